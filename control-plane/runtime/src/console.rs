//! The console's two sides: the HTTP API in process, and member clusters through the Envoy
//! that its reader came by.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use cubegate_api::Peer;
use cubegate_console::{Clusters, Console, Gateway, GatewayError, Reader};
use cubegate_filter_config::{READER_HEADER, Resources};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;

use crate::checks::Listener;
use crate::control_plane::Live;
use crate::discovery::KnownResources;
use crate::readers::Readers;

/// How long an Envoy may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How long it may take to begin an answer: a list is read whole before its page is known.
const ANSWER: Duration = Duration::from_secs(60);

/// Asks through the listeners of Envoys, as they prove themselves at present.
pub(crate) struct Gateways {
    listener: RwLock<Listener>,
}

/// The clusters as their discovery told last.
struct Discovered(watch::Receiver<KnownResources>);

// === impl Gateways ===

impl Gateways {
    pub(crate) fn new(listener: Listener) -> Arc<Self> {
        Arc::new(Self {
            listener: RwLock::new(listener),
        })
    }

    /// Follows the certificate of the listeners.
    pub(crate) async fn follow(self: Arc<Self>, mut live: watch::Receiver<Live>) {
        while live.changed().await.is_ok() {
            let certificate = live.borrow_and_update().certificate.clone();
            let proven = self
                .listener
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .prove_by(certificate.as_ref());
            if let Err(error) = proven {
                let error = crate::output::sentence(&error);
                tracing::error!(%error, "the console cannot reach clusters through Envoys");
            }
        }
    }

    /// Returns what takes the console's requests.
    pub(crate) fn service(self: &Arc<Self>, readers: Readers) -> Gateway {
        let gateways = Arc::clone(self);
        BoxCloneSyncService::new(tower::service_fn(move |mut request: Request<Body>| {
            let reader = request.extensions_mut().remove::<Reader>();
            let said = reader.and_then(|reader| readers.say(&reader, OffsetDateTime::now_utc()));
            if let Some(said) = said {
                request.headers_mut().insert(READER_HEADER, said);
            }
            let gateways = Arc::clone(&gateways);
            async move { gateways.ask(request).await }
        }))
    }

    async fn ask(&self, request: Request<Body>) -> Result<Response<Body>, GatewayError> {
        let peer = request.extensions().get::<ConnectInfo<Peer>>();
        // Whoever reached the control plane past all Envoys has none of its own.
        let envoy = peer
            .filter(|ConnectInfo(peer)| peer.envoy.is_some())
            .map(|ConnectInfo(peer)| peer.address);
        let listener = self
            .listener
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let address = listener.of_peer(envoy);
        let slow = |_| GatewayError(format!("The Envoy at {address} does not answer in time."));
        let failed = |error: anyhow::Error| {
            let error = crate::output::sentence(&error);
            GatewayError(format!("The Envoy at {address} does not answer: {error}."))
        };
        let connection = timeout(CONNECT, listener.client().connect(address))
            .await
            .map_err(slow)?
            .map_err(failed)?;
        timeout(ANSWER, connection.open(request))
            .await
            .map_err(slow)?
            .map_err(failed)
    }
}

// === impl Discovered ===

impl Clusters for Discovered {
    fn resources(&self) -> BTreeMap<String, Arc<Resources>> {
        self.0.borrow().resources.clone()
    }
}

/// Returns the console of this API.
pub(crate) fn console(
    state: &cubegate_api::AppState,
    gateways: &Arc<Gateways>,
    known: watch::Receiver<KnownResources>,
) -> Console {
    Console {
        api: cubegate_api::router(state.clone(), axum::Router::new()),
        gateway: gateways.service(Readers::of(&state.store)),
        clusters: Arc::new(Discovered(known)),
        form_key: state.store.form_key().to_vec().into(),
        public_url: state.public.url.as_str().into(),
        plain_http: state.plain_http,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_envoy_that_is_not_there_is_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let listener = Listener::in_clear(address);
        let gateways = Gateways::new(listener);
        let request = Request::get("/version").body(Body::empty()).unwrap();
        let error = gateways.ask(request).await.unwrap_err();
        assert!(error.0.contains(&address.to_string()), "{error}");
    }
}
