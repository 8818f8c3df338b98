//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use cubegate_audit::Recorder;
use cubegate_store::Store;

use crate::{Clock, Issuer};

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Users, keys and clusters.
    pub store: Store,
    /// Makes and checks tokens.
    pub issuer: Arc<Issuer>,
    /// Takes audit records.
    pub audit: Recorder,
    /// The time.
    pub clock: Clock,
    /// Whether clients reach the gateway in clear (`--plain`): the login cookie
    /// is then set without `Secure`, or no browser would send it back.
    pub plain_http: bool,
    /// What a kubeconfig for the gateway says.
    pub public: Arc<PublicGateway>,
}

/// The gateway as clients see it.
#[derive(Debug, Clone)]
pub struct PublicGateway {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// The CA that signed its certificate, PEM; `None` when clients trust the
    /// system's CAs, or are served in clear.
    pub ca_pem: Option<String>,
    /// How long the token of a kubeconfig is valid.
    pub kubeconfig_lifetime: Duration,
}
