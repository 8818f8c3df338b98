//! What every handler can reach.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cubegate_audit::Recorder;
use cubegate_member::AddressPolicy;
use cubegate_store::{Store, StoreError};
use cubegate_token::{CLOCK_SKEW_SECONDS, Claims};
use time::OffsetDateTime;

use crate::{Clock, Issuer, Throttle};

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
    /// How long a login by cookie lasts at most. While it is used, its token is
    /// renewed until then.
    pub session_lifetime: Duration,
    /// What a kubeconfig for the gateway says.
    pub public: Arc<PublicGateway>,
    /// How `/oauth` behaves.
    pub oauth: Arc<OauthSettings>,
    /// How often somebody may try.
    pub throttle: Arc<Throttle>,
    /// Origins whose pages may call, and so log somebody in.
    pub cors_origins: Arc<BTreeSet<String>>,
    /// Where clusters may be that are registered over this API.
    pub cluster_addresses: Arc<AddressPolicy>,
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

/// How `/oauth` behaves; the defaults are those of KubeSphere's installers.
#[derive(Clone)]
pub struct OauthSettings {
    /// The clients that may be named; who names none is the first one.
    pub clients: Vec<OauthClient>,
    /// How long an access token is valid.
    pub access_lifetime: Duration,
    /// How long a refresh token is valid.
    pub refresh_lifetime: Duration,
    /// Whether a user may have several sessions at a time.
    pub multiple_login: bool,
    /// Where a logout may lead to (`post_logout_redirect_uri`), word by word.
    pub logout_redirects: Vec<String>,
}

/// A program that asks for tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// Its `client_id`.
    pub id: String,
    /// Its `client_secret`.
    pub secret: String,
}

impl fmt::Debug for OauthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthClient")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

// === impl AppState ===

impl AppState {
    /// Takes a token back: with its whole session, or alone when it is of none.
    pub(crate) async fn take_back(&self, claims: &Claims) -> Result<(), StoreError> {
        let until = self.revoked_until(self.clock.now());
        match (&claims.session, &claims.id) {
            (Some(session), _) => self.store.end_session(session, until).await,
            (None, Some(id)) => self.store.revoke_token(id, until).await,
            // A token of another hand has no name to be refused by.
            (None, None) => Ok(()),
        }
    }

    /// When the last access token that is issued now is no longer taken anywhere.
    pub(crate) fn revoked_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        let longest = self
            .oauth
            .access_lifetime
            .max(self.issuer.lifetime())
            .max(self.public.kubeconfig_lifetime);
        now + longest + Duration::from_secs(CLOCK_SKEW_SECONDS)
    }
}

// === impl OauthSettings ===

impl Default for OauthSettings {
    fn default() -> Self {
        Self {
            clients: vec![OauthClient {
                id: "kubesphere".to_owned(),
                secret: "kubesphere".to_owned(),
            }],
            access_lifetime: Duration::from_hours(2),
            refresh_lifetime: Duration::from_hours(4),
            multiple_login: true,
            logout_redirects: Vec::new(),
        }
    }
}
