//! What every handler can reach.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cubegate_audit::Recorder;
use cubegate_member::AddressPolicy;
use cubegate_store::{Lifetimes, RevokedToken, Store, StoreError};
use cubegate_token::{CLOCK_SKEW_SECONDS, Claims};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::watch;

use crate::{Clock, ClusterStates, Issuer, Metrics, Throttle};

/// A time that no calendar has is as good as this one.
pub(crate) const FOR_EVER: OffsetDateTime = datetime!(9999-12-31 0:00 UTC);

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Users, keys and clusters.
    pub store: Store,
    /// Makes and checks tokens.
    pub issuer: Arc<Issuer>,
    /// What is counted.
    pub metrics: Metrics,
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
    /// How large what Envoys are told is.
    pub documents: watch::Receiver<Vec<Document>>,
    /// How the registered clusters are.
    pub clusters: watch::Receiver<ClusterStates>,
}

/// Something that Envoys are told, and how near it is to the longest that they can be
/// sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What Envoys know it by.
    pub name: String,
    /// How long it is.
    pub bytes: usize,
    /// How long it may be.
    pub limit: usize,
    /// How many of its entries found no room.
    pub left_out: usize,
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

// === impl OauthClient ===

impl OauthClient {
    /// The client of KubeSphere's documents, the only one unless others are given.
    pub const KUBESPHERE: &str = "kubesphere:kubesphere";
}

impl FromStr for OauthClient {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((id, secret)) if !id.is_empty() && !secret.is_empty() => Ok(Self {
                id: id.to_owned(),
                secret: secret.to_owned(),
            }),
            _ => Err("a client is written ID:SECRET, and neither is empty"),
        }
    }
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
        let Some(session) = &claims.session else {
            return self.revoke_token(claims).await;
        };
        let now = self.clock.now();
        let until = self.session_until(now);
        self.store
            .end_session(session, &claims.user, until, now)
            .await
    }

    /// Takes one token back, until it expires by itself.
    pub(crate) async fn revoke_token(&self, claims: &Claims) -> Result<(), StoreError> {
        // A token of another hand has no name to be refused by.
        let Some(id) = &claims.id else {
            return Ok(());
        };
        let token = RevokedToken {
            id,
            // No epoch takes a token back that carries none.
            user: match claims.epoch {
                Some(_) => &claims.user,
                None => "",
            },
            access_key: claims.access_key.as_deref(),
            until: taken_until(claims.expires_at),
        };
        self.store.revoke_token(token, self.clock.now()).await
    }

    /// Returns when the last token that is issued now is no longer taken anywhere.
    pub(crate) fn revoked_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        let longest = self.lifetimes().any.max(self.store.lifetimes().any);
        now + Duration::from_secs(longest.saturating_add(CLOCK_SKEW_SECONDS))
    }

    /// Returns when no token of a session is taken any more that was made until `now`.
    pub(crate) fn session_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        let longest = self.lifetimes().session.max(self.store.lifetimes().session);
        now + Duration::from_secs(longest.saturating_add(CLOCK_SKEW_SECONDS))
    }

    /// Returns how long tokens live that are issued now.
    pub fn lifetimes(&self) -> Lifetimes {
        let session = self.oauth.access_lifetime.max(self.issuer.lifetime());
        Lifetimes {
            any: session.max(self.public.kubeconfig_lifetime).as_secs(),
            session: session.as_secs(),
        }
    }
}

/// Returns when nobody takes a token any more that expires then, in Unix seconds.
pub(crate) fn taken_until(expires_at: u64) -> OffsetDateTime {
    let until = expires_at.saturating_add(CLOCK_SKEW_SECONDS);
    i64::try_from(until)
        .ok()
        .and_then(|until| OffsetDateTime::from_unix_timestamp(until).ok())
        .unwrap_or(FOR_EVER)
}

// === impl Document ===

impl Document {
    /// Returns from which size on somebody should look after a document of this limit: three
    /// quarters of it.
    pub fn near(limit: usize) -> usize {
        limit / 4 * 3
    }

    /// Returns whether somebody should look after it.
    pub fn is_near_limit(&self) -> bool {
        self.is_beyond_limit() || self.bytes >= Self::near(self.limit)
    }

    /// Returns whether Envoys do not get all of it.
    pub fn is_beyond_limit(&self) -> bool {
        self.left_out > 0 || self.bytes > self.limit
    }
}

// === impl OauthSettings ===

impl OauthSettings {
    /// How long access tokens are valid unless said otherwise, KubeSphere's two hours.
    pub const ACCESS_LIFETIME: Duration = Duration::from_hours(2);
    /// How long refresh tokens are valid unless said otherwise.
    pub const REFRESH_LIFETIME: Duration = Duration::from_hours(4);
    /// Whether a user may have several sessions unless said otherwise.
    pub const MULTIPLE_LOGIN: bool = true;
}

impl Default for OauthSettings {
    fn default() -> Self {
        Self {
            clients: OauthClient::KUBESPHERE.parse().into_iter().collect(),
            access_lifetime: Self::ACCESS_LIFETIME,
            refresh_lifetime: Self::REFRESH_LIFETIME,
            multiple_login: Self::MULTIPLE_LOGIN,
            logout_redirects: Vec::new(),
        }
    }
}
