//! What every handler can reach.

use std::sync::Arc;

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
}
