//! How an Envoy elsewhere gets a new certificate: with the one that it has, on the port
//! of xDS. That is no port that Envoy sends its clients' requests to, so nobody else can
//! ask with its certificate.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::StatusCode;
use axum::routing::post;
use cubegate_domain::NodeCertificate;
use cubegate_store::Store;
use cubegate_xds::Peer;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

use crate::keys::Keys;
use crate::pki::Ca;

/// Where a new certificate is asked for: POST, a request (PKCS #10) in PEM, answered with
/// the certificate in PEM.
pub(crate) const RENEWAL_PATH: &str = "/cubegate/node/certificate";

/// Where it is asked which CAs are trusted: POST, answered with their certificates in PEM.
pub(crate) const AUTHORITIES_PATH: &str = "/cubegate/node/authorities";

/// A request has some 500 bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// What a refusal says.
type Refusal = (StatusCode, String);

/// Gives new certificates.
pub(crate) struct Renewal {
    pub(crate) store: Store,
    /// Where the CA is.
    pub(crate) keys: Keys,
    /// Tells everybody else of it.
    pub(crate) authority: watch::Sender<Ca>,
    pub(crate) lifetime: Duration,
}

// === impl Renewal ===

impl Renewal {
    /// Returns what answers Envoys that ask.
    pub(crate) fn routes(self) -> tonic::service::Routes {
        Router::new()
            .route(RENEWAL_PATH, post(renew))
            .route(AUTHORITIES_PATH, post(authorities))
            .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
            .with_state(Arc::new(self))
            .into()
    }

    /// The CA as its files are now: whoever asks after a step of its replacement gets what
    /// belongs to that step.
    fn ca(&self) -> Ca {
        // Why they cannot be read is told by who looks at them again and again.
        let _ = Ca::reread_xds(&self.keys, &self.authority);
        self.authority.borrow().clone()
    }
}

async fn authorities(State(renewal): State<Arc<Renewal>>) -> String {
    renewal.ca().certificate_pem().to_owned()
}

async fn renew(
    State(renewal): State<Arc<Renewal>>,
    Extension(peer): Extension<Peer>,
    request: String,
) -> Result<String, Refusal> {
    let old = NodeCertificate {
        node: peer.node,
        issued_at: peer.issued_at.into(),
        // Nobody comes in with one that has ended.
        expires_at: OffsetDateTime::now_utc(),
    };
    let new = renewal
        .store
        .renew_node_certificate(&old, OffsetDateTime::now_utc(), renewal.lifetime)
        .await
        .map_err(|error| {
            tracing::error!(%error, envoy.node = old.node, "a certificate is not renewed");
            let text = "the control plane's database does not answer; try again later";
            (StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
        })?;
    let Some(new) = new else {
        let text = format!("the Envoy {} is shut out", old.node);
        return Err((StatusCode::FORBIDDEN, text));
    };
    let certificate = renewal
        .ca()
        .node_with_key(&new, &request)
        .map_err(|error| {
            let reason = crate::output::sentence(&error);
            let text = format!("the body is no request for a certificate in PEM: {reason}");
            (StatusCode::BAD_REQUEST, text)
        })?;
    tracing::info!(
        envoy.node = new.node,
        envoy.peer = %peer.address,
        certificate.expires_at = %new.expires_at,
        "an Envoy has got a new certificate"
    );
    Ok(certificate)
}
