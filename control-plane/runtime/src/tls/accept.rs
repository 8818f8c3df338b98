//! Accepting connections: each handshake in a task of its own, with a bound on all of them.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::serve::Listener;
use cubegate_domain::NodeCertificate;
use rustix::net::sockopt;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};

use super::connection::{Connection, End};
use super::identity::Identity;
use super::peers::{Peers, Presence};
use crate::node::Nodes;
use crate::pki;

/// A client that does not finish its handshake holds a socket that long.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many handshakes may be under way; each address has a share of them.
pub(super) const MAX_HANDSHAKES: usize = 512;

/// How many connections of Envoys there may be. Over HTTP/1.1 each request under way has one.
const MAX_ENVOYS: usize = 16_384;

/// How many connections there may be of those who show no certificate; each address has
/// a share of them.
pub(super) const MAX_OTHERS: usize = 512;

/// How long such a connection lasts, however much is said: otherwise the first ones could
/// keep their places for ever. What asks here, health checks and an API server's
/// TokenReviews, is answered at once and connects again.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Connections that are not yet taken.
const BACKLOG: usize = 64;

/// After which a connection is asked whether it is alive, how often, and how many times.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 3);

/// From one line of the log about refused connections to the next.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The first byte of TLS.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What is said to who speaks HTTP in clear.
const NOT_IN_CLEAR: &str = "this port speaks TLS: use https and the CA in control_plane_ca of endpoints.json (pki/xds-ca.crt of the data directory)\n";

/// A port.
pub(crate) struct Door {
    identity: Arc<Identity>,
    nodes: Nodes,
    peers: Arc<Peers>,
    /// Whether it is for Envoys alone.
    envoys_only: bool,
    envoys: Arc<Semaphore>,
    others: Arc<Semaphore>,
    longest: Duration,
    log: RefusalLog,
}

/// Somebody who was let in.
pub(crate) struct Arrival {
    connection: Connection,
    address: SocketAddr,
    envoy: Option<NodeCertificate>,
}

/// Who comes in through a door.
pub(crate) struct Incoming {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
}

/// Why somebody is not let in.
#[derive(Debug)]
enum Refused {
    /// Without a handshake: scanners, probes, and what has hung up.
    Silently,
    /// A certificate of the CA, but no Envoy's: those of earlier versions.
    NoEnvoy,
    ShutOut(String),
    /// There are as many connections as there may be.
    Full(&'static str),
}

/// A line once in a while, however many are refused.
#[derive(Default)]
struct RefusalLog {
    last: Mutex<Option<Instant>>,
    unsaid: AtomicU64,
}

// === impl Door ===

impl Door {
    /// A door that this certificate is shown at. Through that of xDS only Envoys come.
    pub(crate) fn new(
        identity: &Arc<Identity>,
        nodes: &Nodes,
        peers: &Arc<Peers>,
        envoys_only: bool,
    ) -> Self {
        Self {
            identity: Arc::clone(identity),
            nodes: nodes.clone(),
            peers: Arc::clone(peers),
            envoys_only,
            envoys: Arc::new(Semaphore::new(MAX_ENVOYS)),
            others: Arc::new(Semaphore::new(MAX_OTHERS)),
            longest: LONGEST,
            log: RefusalLog::default(),
        }
    }

    /// The same one, through which nobody comes without a certificate for longer.
    #[cfg(test)]
    pub(super) fn lasting(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Opens it, until nobody takes who comes in.
    ///
    /// # Errors
    /// When the listener has no address.
    pub(crate) fn open(self, listener: TcpListener) -> io::Result<Incoming> {
        let address = listener.local_addr()?;
        let (taken, arrivals) = mpsc::channel(BACKLOG);
        tokio::spawn(Arc::new(self).accept(listener, taken));
        Ok(Incoming { address, arrivals })
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, taken: mpsc::Sender<Arrival>) {
        let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = taken.closed() => return,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, above all; at once it would fail again.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let Some(place) = self.peers.enter(address.ip(), Presence::Handshake) else {
                let full = Refused::Full("handshakes with this address");
                self.log.refused(address, &full);
                continue;
            };
            let Ok(handshake) = Arc::clone(&handshakes).try_acquire_owned() else {
                self.log.refused(address, &Refused::Full("handshakes"));
                continue;
            };
            let (door, taken) = (Arc::clone(&self), taken.clone());
            tokio::spawn(async move {
                let greeted = timeout(HANDSHAKE_TIMEOUT, door.greet(stream, address)).await;
                drop((handshake, place));
                match greeted.unwrap_or(Err(Refused::Silently)) {
                    Ok(arrival) => drop(taken.send(arrival).await),
                    Err(refused) => door.log.refused(address, &refused),
                }
            });
        }
    }

    /// Returns the handshake, and whose the certificate is.
    async fn greet(&self, stream: TcpStream, address: SocketAddr) -> Result<Arrival, Refused> {
        let silently = |_: io::Error| Refused::Silently;
        stream.set_nodelay(true).map_err(silently)?;
        keep_alive(&stream).map_err(silently)?;
        let mut first = [0];
        if stream.peek(&mut first).await.map_err(silently)? == 0 {
            return Err(Refused::Silently);
        }
        if first != [HANDSHAKE_RECORD] {
            say_not_in_clear(stream).await.map_err(silently)?;
            return Err(Refused::Silently);
        }
        let stream = TlsAcceptor::from(self.identity.server_config(self.envoys_only))
            .accept(stream)
            .await
            .map_err(|error| {
                tracing::debug!(%error, %address, "a TLS handshake has failed");
                Refused::Silently
            })?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let envoy = match certificates.first() {
            Some(certificate) => Some(pki::read_node(certificate).ok_or(Refused::NoEnvoy)?),
            None if self.envoys_only => return Err(Refused::NoEnvoy),
            None => None,
        };
        let (places, end, presence): (_, End, _) = match &envoy {
            Some(envoy) => {
                if self.nodes.shut_out.borrow().holds(envoy) {
                    return Err(Refused::ShutOut(envoy.node.clone()));
                }
                (&self.envoys, self.end(envoy, certificates), Presence::Envoy)
            }
            None => {
                let longest = self.longest;
                let end = Box::pin(async move {
                    sleep(longest).await;
                    "it has lasted for as long as one without a certificate may"
                });
                (&self.others, end, Presence::Other)
            }
        };
        let share = self
            .peers
            .enter(address.ip(), presence)
            .ok_or(Refused::Full("connections from this address"))?;
        let place = Arc::clone(places)
            .try_acquire_owned()
            .map_err(|_| match presence {
                Presence::Envoy => Refused::Full("connections of Envoys"),
                _ => Refused::Full("connections without a certificate"),
            })?;
        if let Some(envoy) = envoy.as_ref().filter(|_| self.envoys_only) {
            // With a full queue it is noted a minute later.
            let _ = self.nodes.arrivals.try_send(envoy.clone());
        }
        let connection = Connection::new(stream, end, envoy.is_some(), (place, share));
        Ok(Arrival {
            connection,
            address,
            envoy,
        })
    }

    /// Returns when the connection of an Envoy ends: it is shut out, or its certificate is no
    /// longer good. Where the CA is trusted no more, that of xDS ends at once; the API's live on
    /// until they are closed between two requests, as an Envoy that has a new certificate would
    /// lose one otherwise.
    fn end(&self, envoy: &NodeCertificate, shown: &[CertificateDer<'_>]) -> End {
        let (envoy, mut shut_out) = (envoy.clone(), self.nodes.shut_out.clone());
        let mut authority = self.identity.authority();
        let shown = shown.first().filter(|_| self.envoys_only);
        let shown = shown.map(|shown| shown.clone().into_owned());
        Box::pin(async move {
            let left = envoy.expires_at - OffsetDateTime::now_utc();
            let left = Duration::try_from(left).unwrap_or_default();
            let is_shut_out = async {
                let told = shut_out.wait_for(|all| all.holds(&envoy)).await.is_ok();
                if !told {
                    std::future::pending::<()>().await;
                }
            };
            let is_of_no_ca = async {
                let told = match &shown {
                    Some(shown) => authority.wait_for(|ca| !ca.trusts(shown)).await.is_ok(),
                    None => false,
                };
                if !told {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = sleep(left) => "the Envoy's certificate has ended",
                () = is_of_no_ca => "the CA of the Envoy's certificate is trusted no more",
                () = is_shut_out => {
                    tracing::warn!(envoy.node = envoy.node, "an Envoy is shut out; its connection ends");
                    "the Envoy is shut out"
                }
            }
        })
    }
}

// === impl Incoming ===

impl Incoming {
    /// For the xDS server.
    pub(crate) fn into_stream(
        self,
    ) -> impl Stream<Item = cubegate_xds::Connection<Connection>> + Send + 'static {
        ReceiverStream::new(self.arrivals).filter_map(|arrival| {
            let envoy = arrival.envoy?;
            let peer = cubegate_xds::Peer {
                node: envoy.node,
                issued_at: envoy.issued_at.into(),
                address: arrival.address,
            };
            Some(cubegate_xds::Connection::new(arrival.connection, peer))
        })
    }
}

/// For the HTTP API.
impl Listener for Incoming {
    type Io = Connection;
    type Addr = cubegate_api::Peer;

    async fn accept(&mut self) -> (Connection, cubegate_api::Peer) {
        let Some(arrival) = self.arrivals.recv().await else {
            return std::future::pending().await;
        };
        let peer = cubegate_api::Peer {
            address: arrival.address,
            envoy: arrival.envoy.map(|envoy| cubegate_api::EnvoyPeer {
                // Later than its renewal and well before its end: a connection that is
                // used is closed by then between two requests.
                close_after: SystemTime::from(envoy.issued_at + envoy.lifetime() * 5 / 6),
                node: envoy.node,
            }),
        };
        (arrival.connection, peer)
    }

    fn local_addr(&self) -> io::Result<cubegate_api::Peer> {
        Ok(cubegate_api::Peer {
            address: self.address,
            envoy: None,
        })
    }
}

/// An Envoy whose machine is gone says nothing more.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let (idle, interval, count) = KEEPALIVE;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, idle)?;
    sockopt::set_tcp_keepintvl(stream, interval)?;
    sockopt::set_tcp_keepcnt(stream, count)?;
    Ok(())
}

/// An answer for who speaks HTTP in clear, whose request is not read.
async fn say_not_in_clear(mut stream: TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{NOT_IN_CLEAR}",
        NOT_IN_CLEAR.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closed with bytes unread, a socket is reset, and the client may lose the answer.
    let mut rest = [0; 4096];
    for _ in 0..16 {
        stream.readable().await?;
        match stream.try_read(&mut rest) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// === impl RefusalLog ===

impl RefusalLog {
    fn refused(&self, address: SocketAddr, why: &Refused) {
        if matches!(why, Refused::Silently) {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < LOG_INTERVAL) {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        *last = Some(now);
        let before = self.unsaid.swap(0, Ordering::Relaxed);
        match why {
            Refused::Silently => {}
            Refused::NoEnvoy => tracing::warn!(
                %address, refused.before = before,
                "a certificate that names no Envoy is refused; give the Envoy a new one with `cubegate bootstrap --node-id NAME --write-certs DIR`"
            ),
            Refused::ShutOut(node) => tracing::warn!(
                %address, envoy.node = node, refused.before = before,
                "an Envoy that is shut out is refused"
            ),
            Refused::Full(what) => tracing::warn!(
                %address, refused.before = before,
                "a connection is refused: there are as many {what} as there may be"
            ),
        }
    }
}
