//! Audit records on their way to somewhere else: a webhook, a syslog server.
//!
//! ```text
//! every record ──its own transaction──> outbox ──oldest first, in batches──> Sink
//!                                          └─ goes when the batch has arrived
//! ```
//!
//! While the other side is away, records wait in the database, whoever is killed
//! meanwhile; they may arrive twice, and their ids tell. What retention takes away
//! before it could be sent is lost, and told.

mod syslog;
mod webhook;

use std::time::{Duration, Instant};

use cubegate_store::{SINK_HOLD, Store, StoreError, Unsent};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

pub(crate) use syslog::{Syslog, SyslogAddress};
pub(crate) use webhook::Webhook;

/// How many records are sent at a time.
const BATCH: u32 = 500;

/// How often is looked for new records.
const POLL: Duration = Duration::from_millis(500);

/// How long to wait after a failure; each further one in a row waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The longest wait.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// How often a failure that goes on is told.
const TELL: Duration = Duration::from_secs(60);

/// Why a batch has not arrived.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It will be tried again as it is.
    Away(anyhow::Error),
    /// The other side does not want it as it is, now or ever.
    Refused(anyhow::Error),
}

/// Where records go to.
pub(crate) trait Sink: Send {
    /// The name under which the database keeps what is still to be sent.
    fn name(&self) -> &'static str;

    /// Sends all of these, or fails.
    fn send(&mut self, records: &[Unsent]) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Sends what there is to a sink, for ever, or until `stopped`.
pub(crate) async fn run(store: Store, sink: impl Sink, stopped: impl Future<Output = ()>) {
    let holder = Uuid::new_v4().to_string();
    let name = sink.name();
    let mut sender = Sender {
        store: store.clone(),
        sink,
        holder: holder.clone(),
        failing: None,
    };
    tokio::select! {
        () = sender.run() => {}
        () = stopped => {}
    }
    // Another control plane need not wait for it.
    let _ = store
        .release_sink(name, &holder, OffsetDateTime::now_utc())
        .await;
}

struct Sender<S> {
    store: Store,
    sink: S,
    holder: String,
    failing: Option<Failing>,
}

struct Failing {
    since: Instant,
    told: Instant,
    wait: Duration,
}

// === impl Sender ===

impl<S: Sink> Sender<S> {
    async fn run(&mut self) {
        let mut held = Instant::now();
        let mut holds = false;
        loop {
            // Well before another one may take it.
            if !holds || held.elapsed() > Duration::from_secs(5) {
                held = Instant::now();
                let now = OffsetDateTime::now_utc();
                let hold = self.store.hold_sink(self.sink.name(), &self.holder, now);
                holds = match hold.await {
                    Ok(holds) => holds,
                    Err(error) => {
                        self.failed(&error.into()).await;
                        continue;
                    }
                };
            }
            let longest = SINK_HOLD.unsigned_abs();
            // The hold must outlive a batch.
            let round = tokio::time::timeout(longest / 2, self.round(holds)).await;
            match round {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => sleep(POLL).await,
                Ok(Err(error)) => self.failed(&error).await,
                Err(_) => {
                    let error = anyhow::anyhow!("no answer within {} s", longest.as_secs() / 2);
                    self.failed(&error).await;
                }
            }
        }
    }

    /// Sends a batch; says whether there may be more.
    async fn round(&mut self, holds: bool) -> anyhow::Result<bool> {
        if !holds {
            return Ok(false);
        }
        let batch = self.store.unsent(self.sink.name(), BATCH).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        self.send(&batch).await?;
        Ok(batch.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX))
    }

    /// Sends a batch, in ever smaller pieces while it is refused.
    async fn send(&mut self, batch: &[Unsent]) -> anyhow::Result<()> {
        let mut rest = batch;
        let mut size = batch.len();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            match self.sink.send(piece).await {
                Ok(()) => self.arrived(piece).await?,
                Err(Failure::Away(error)) => return Err(error),
                Err(Failure::Refused(_)) if piece.len() > 1 => {
                    size = piece.len() / 2;
                    continue;
                }
                Err(Failure::Refused(error)) => {
                    for record in piece {
                        tracing::error!(
                            sink = self.sink.name(),
                            audit.id = record.id,
                            %error,
                            "an audit record is refused there and not sent again; it stays in the database"
                        );
                    }
                    self.store.mark_sent(self.sink.name(), piece).await?;
                }
            }
            rest = behind;
        }
        Ok(())
    }

    async fn arrived(&mut self, piece: &[Unsent]) -> Result<(), StoreError> {
        self.store.mark_sent(self.sink.name(), piece).await?;
        if let Some(failing) = self.failing.take() {
            tracing::info!(
                sink = self.sink.name(),
                "audit records arrive again, after {} s",
                failing.since.elapsed().as_secs()
            );
        }
        Ok(())
    }

    /// Tells of a failure, not too often, and waits.
    async fn failed(&mut self, error: &anyhow::Error) {
        let now = Instant::now();
        let (tell, wait) = match &mut self.failing {
            None => {
                self.failing = Some(Failing {
                    since: now,
                    told: now,
                    wait: FIRST_RETRY,
                });
                (true, FIRST_RETRY)
            }
            Some(failing) => {
                failing.wait = (failing.wait * 2).min(LAST_RETRY);
                let tell = now.duration_since(failing.told) >= TELL;
                if tell {
                    failing.told = now;
                }
                (tell, failing.wait)
            }
        };
        if tell {
            let waiting = self.store.count_unsent(self.sink.name()).await.ok();
            tracing::error!(
                sink = self.sink.name(),
                audit.waiting = waiting,
                error = crate::output::sentence(error),
                "audit records do not arrive; they wait in the database"
            );
        }
        sleep(wait).await;
    }
}
