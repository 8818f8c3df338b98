//! The gRPC service and its listener.

mod service;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cubegate_snapshot::Snapshot;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogServiceServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tonic::service::Routes;
use tonic::transport::Server;

use self::service::Discovery;
use crate::access_log::{self, AccessLog};
use crate::connection::{Connection, Peer};
use crate::lag::Lag;
use crate::metrics::Metrics;
use crate::requests::Requests;
use crate::status::{Envoys, Registry};
use crate::stream::{Outgoing, Stream};
use crate::turn::{Turn, Turns};

/// A resource that is longer is not sent: each Envoy keeps all of it in memory. Who publishes must
/// leave it out. The filter module of about 2 MB may travel inside one.
pub const MAX_RESOURCE_BYTES: usize = 16 * 1024 * 1024 - 64 * 1024;

/// Responses that are encoded but not yet taken by the connection. More would
/// be memory without use: what is not sent yet can still be superseded.
const OUTGOING: usize = 1;

/// A worker of Envoy sends at most 1 MiB of its log at a time, and what it gets
/// over that limit with the last entry.
const MAX_LOG_BYTES: usize = 4 * 1024 * 1024;

/// How often a silent connection is asked whether it is alive, and how long the
/// answer may take. With too long a time, an Envoy that has lost its network
/// stays on the admin page; with too short a time, a busy one is thrown off.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// An Envoy needs one stream; a second one may overlap when it reconnects.
const MAX_STREAMS_PER_CONNECTION: u32 = 8;

/// Why the server has stopped.
#[derive(Debug, thiserror::Error)]
pub enum XdsError {
    /// The listener has failed.
    #[error("the discovery server has stopped")]
    Serve(#[source] tonic::transport::Error),
}

/// Serves the snapshots that a watch receives to every Envoy that connects.
///
/// The first snapshot in the watch may be an empty one; Envoys are kept waiting
/// until there is one with resources.
#[derive(Debug)]
pub struct XdsServer {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    registry: Registry,
    access_log: Option<AccessLog>,
    others: Routes,
    held: Option<watch::Receiver<Option<String>>>,
    metrics: Metrics,
}

/// The gRPC service.
#[derive(Debug)]
struct Ads {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    registry: Registry,
    closing: watch::Receiver<bool>,
    held: Option<watch::Receiver<Option<String>>>,
    turns: Turns,
    metrics: Metrics,
}

// === impl XdsServer ===

impl XdsServer {
    /// A server for these snapshots. When the sender is gone, the last snapshot
    /// is served on.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self {
            snapshots,
            registry: Registry::new(),
            access_log: None,
            others: Routes::default(),
            held: None,
            metrics: Metrics::default(),
        }
    }

    /// The same server, which counts here.
    #[must_use]
    pub fn counting(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same server, which sends nothing to Envoys of this `node.cluster` for as long as
    /// it stands there: they wait until they are needed.
    #[must_use]
    pub fn holding(self, held: watch::Receiver<Option<String>>) -> Self {
        Self {
            held: Some(held),
            ..self
        }
    }

    /// The same server, which also takes the Envoys' access logs.
    #[must_use]
    pub fn with_access_log(self, access_log: AccessLog) -> Self {
        Self {
            access_log: Some(access_log),
            ..self
        }
    }

    /// Returns who is connected and how far each Envoy is. Take it before serving.
    pub fn envoys(&self) -> watch::Receiver<Envoys> {
        self.registry.subscribe()
    }

    /// The same server, which answers these requests, too. Each carries the [`Peer`] that
    /// it is from as an extension.
    #[must_use]
    pub fn with_routes(self, others: Routes) -> Self {
        Self { others, ..self }
    }

    /// Serves on these connections until `shutdown`, then ends all streams and returns
    /// when the connections are closed.
    ///
    /// Whoever accepts them must have checked whose they are: every Envoy that is let in
    /// reads the credentials of all clusters.
    ///
    /// # Errors
    /// When `incoming` fails.
    pub async fn serve<IO>(
        self,
        incoming: impl tokio_stream::Stream<Item = Connection<IO>>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), XdsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (close, closing) = watch::channel(false);
        // Streams last for ever; a graceful end waits for them, so end them.
        let shutdown = async move {
            shutdown.await;
            close.send_replace(true);
        };
        let incoming = incoming.map(Ok::<_, std::convert::Infallible>);
        builder()
            .add_routes(self.routes(closing))
            .serve_with_incoming_shutdown(incoming, shutdown)
            .await
            .map_err(XdsError::Serve)
    }

    fn routes(self, closing: watch::Receiver<bool>) -> Routes {
        let ads = Ads {
            snapshots: self.snapshots,
            registry: self.registry,
            closing: closing.clone(),
            held: self.held,
            turns: Turns::new(),
            metrics: self.metrics,
        };
        let routes = self.others.add_service(Discovery::new(ads));
        match self.access_log {
            None => routes,
            Some(log) => routes.add_service(
                AccessLogServiceServer::new(access_log::Service { log, closing })
                    .max_decoding_message_size(MAX_LOG_BYTES),
            ),
        }
    }
}

fn builder() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
}

// === impl Ads ===

impl Ads {
    /// Starts a stream; returns what goes out on it.
    fn serve(&self, peer: Peer, requests: Requests) -> mpsc::Receiver<Outgoing> {
        let entry = self.registry.entry(Some(peer.address));
        let (responses, outgoing) = mpsc::channel(OUTGOING);
        let stream = Stream {
            requests,
            responses,
            snapshots: self.snapshots.clone(),
            closing: self.closing.clone(),
            peer,
            held: self.held.clone(),
            turn: Turn::new(self.turns.clone()),
            lag: Lag::new(self.metrics.clone(), entry.stream()),
            entry,
        };
        // Ends by itself: when the client, the connection or the server ends.
        tokio::spawn(stream.run());
        outgoing
    }
}

#[cfg(test)]
mod tests;
