//! The task behind one stream: moves messages between a [`Session`], gRPC and
//! the newest snapshot.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cubegate_snapshot::{ResourceType, Snapshot};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use crate::connection::Peer;
use crate::lag::Lag;
use crate::requests::Requests;
use crate::session::{Session, SessionError};
use crate::status::Entry;
use crate::turn::Turn;

/// How many different senseless requests of one stream are logged, should a
/// client make types up.
const MAX_SKIPPED_LOGGED: usize = 100;

/// A response in pieces, or the status that ends the stream.
pub(crate) type Outgoing = Result<Vec<Bytes>, Status>;

/// One stream's task.
pub(crate) struct Stream {
    pub(crate) requests: Requests,
    pub(crate) responses: mpsc::Sender<Outgoing>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) peer: Peer,
    /// The `node.cluster` that nothing is sent to yet.
    pub(crate) held: Option<watch::Receiver<Option<String>>>,
    pub(crate) turn: Turn,
    pub(crate) entry: Entry,
    pub(crate) lag: Lag,
}

/// Why a stream has ended.
enum End {
    ByEnvoy,
    Broken(Status),
    Refused(SessionError),
    /// It goes by the name of another Envoy.
    NotItself(Status),
    Shutdown,
}

// === impl Stream ===

impl Stream {
    /// Runs until either side ends the stream.
    pub(crate) async fn run(mut self) {
        let end = self.talk().await;
        self.entry.on_end(&end.reason());
        let told = match end {
            End::Refused(error) => Status::invalid_argument(error.to_string()),
            End::NotItself(status) => status,
            End::ByEnvoy | End::Broken(_) | End::Shutdown => return,
        };
        // If Envoy is gone by now, there is nobody to tell.
        let _ = self.responses.send(Err(told)).await;
    }

    async fn talk(&mut self) -> End {
        let Self {
            requests,
            responses,
            snapshots,
            closing,
            peer,
            held,
            turn,
            entry,
            lag,
        } = self;
        let mut session = Session::new();
        // Nothing is sent of it yet: an Envoy that comes back names what it has in its first request,
        // and those are the same names.
        let known = snapshots.borrow().clone();
        if !is_empty(&known) {
            session.on_snapshot(known);
        }
        // Whether anything is sent: not before it is known to whom.
        let mut sends = false;
        let mut unknown_types = HashSet::new();
        let mut publisher_lives = true;
        let mut outbox = VecDeque::new();
        loop {
            if !sends && let Some(node) = session.node() {
                sends = held
                    .as_ref()
                    .is_none_or(|held| held.borrow().as_deref() != Some(node.cluster.as_str()));
                if sends {
                    take_snapshot(snapshots, &mut session, entry, lag);
                    turn.want();
                }
            }
            // Only once all is written: until then a newer snapshot can still
            // replace what is not, and a slow Envoy costs no memory.
            if outbox.is_empty() && turn.has_come() {
                outbox.extend(session.poll_responses(Instant::now().into_std()));
                turn.writes(!outbox.is_empty());
                if session.settled().is_some() {
                    turn.end();
                }
            }
            // One that is held is none that changes are waited for.
            if sends {
                for event in session.poll_events() {
                    lag.on_event(&event);
                    entry.on_event(event);
                }
                entry.on_progress(&session);
                lag.on_progress(&session);
            }
            let wake_at = session
                .wake_at()
                .map(Instant::from_std)
                .filter(|_| outbox.is_empty() && !turn.is_awaited());
            tokio::select! {
                () = responses.closed() => return End::ByEnvoy,
                () = closed(closing) => return End::Shutdown,
                permit = responses.reserve(), if !outbox.is_empty() => {
                    let Ok(permit) = permit else { return End::ByEnvoy };
                    if let Some(response) = outbox.pop_front() {
                        let message = response.message();
                        lag.on_sent(response.kind, message.iter().map(Bytes::len).sum());
                        permit.send(Ok(message));
                    }
                }
                request = requests.next(), if outbox.is_empty() => {
                    let request = match request {
                        Ok(Some(request)) => request,
                        Ok(None) => return End::ByEnvoy,
                        Err(status) => return End::Broken(status),
                    };
                    if let Some(node) = &request.node
                        && let Err(status) = peer.check(&node.id)
                    {
                        return End::NotItself(status);
                    }
                    match session.on_request(request) {
                        Ok(()) => turn.want(),
                        Err(error) if error.is_fatal() => return End::Refused(error),
                        Err(error) => log_skipped(error, &mut unknown_types, entry),
                    }
                }
                () = changed(held), if !sends && session.node().is_some() => {}
                // Nothing waits for further changes: what comes while Envoy has not answered goes
                // into one next response anyway.
                changed = snapshots.changed(), if sends && publisher_lives => {
                    publisher_lives = changed.is_ok();
                    if publisher_lives {
                        lag.on_change();
                        take_snapshot(snapshots, &mut session, entry, lag);
                        turn.want();
                    }
                }
                () = at(wake_at), if wake_at.is_some() => turn.want(),
                () = turn.changed(), if sends => {}
            }
        }
    }
}

/// Hands the newest snapshot to the session, unless it is empty: that is what a
/// control plane has that has loaded nothing yet, and it would take the
/// listeners from a running Envoy.
fn take_snapshot(
    snapshots: &mut watch::Receiver<Arc<Snapshot>>,
    session: &mut Session,
    entry: &Entry,
    lag: &mut Lag,
) {
    let snapshot = snapshots.borrow_and_update().clone();
    if !is_empty(&snapshot) {
        lag.on_snapshot(&snapshot);
        session.on_snapshot(snapshot);
    } else {
        tracing::warn!(
            envoy.node = entry.node_id(),
            "the snapshot is empty and not sent; Envoy keeps what it has"
        );
    }
}

fn is_empty(snapshot: &Snapshot) -> bool {
    let mut kinds = ResourceType::ALL.into_iter();
    kinds.all(|kind| snapshot.all(kind).next().is_none())
}

/// Logs a skipped request, once per reason and stream.
fn log_skipped(error: SessionError, seen: &mut HashSet<SessionError>, entry: &Entry) {
    if seen.len() < MAX_SKIPPED_LOGGED && !seen.contains(&error) {
        tracing::warn!(
            envoy.node = entry.node_id(),
            xds.error = %error,
            "Envoy has asked for something that is not served; the request is skipped"
        );
        seen.insert(error);
    }
}

/// Waits until the server ends; it has also ended when the sender is gone.
async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Waits until another node is held, or none.
async fn changed(held: &mut Option<watch::Receiver<Option<String>>>) {
    let released = match held {
        Some(held) => held.changed().await,
        None => return,
    };
    if released.is_err() {
        // Nobody is left who could release it.
        std::future::pending::<()>().await;
    }
}

/// Waits until then, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

// === impl End ===

impl End {
    fn reason(&self) -> String {
        match self {
            Self::ByEnvoy => "Envoy has ended the stream".to_owned(),
            Self::Broken(status) => format!("the connection broke: {}", status.message()),
            Self::Refused(error) => error.to_string(),
            Self::NotItself(status) => status.message().to_owned(),
            Self::Shutdown => "the control plane is shutting down".to_owned(),
        }
    }
}
