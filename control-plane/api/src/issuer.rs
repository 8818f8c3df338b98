//! Makes and checks tokens.

mod cluster;
mod refresh;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cubegate_domain::{AccessKey, User, token_groups};
use cubegate_token::{
    Claims, Ed25519Key, Ed25519Signer, Hs256Secret, KeyError, KeySet, Signer, TokenError,
    UnverifiedToken,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Metrics;
use crate::metrics::Kind;

/// KubeCube's own.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Makes tokens with one key and checks them against the key set that Envoys have. The keys
/// may be replaced while it is in use.
pub struct Issuer {
    keys: RwLock<Arc<Keys>>,
    lifetime: Duration,
    metrics: Metrics,
}

struct Keys {
    signer: Signer,
    checked: KeySet,
}

/// A login by cookie, whose tokens are renewed while it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CookieSession {
    /// Its id (`sid`).
    pub(crate) id: String,
    /// Unix seconds of the login.
    pub(crate) began_at: u64,
    /// How long it lasts at most, however much it is used.
    pub(crate) longest: Duration,
}

/// A generation of an OAuth session's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation<'a> {
    /// The session's id.
    pub session: &'a str,
    /// Counts from 1.
    pub number: u64,
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, Default)]
struct Origin<'a> {
    key: Option<&'a AccessKey>,
    session: Option<&'a str>,
    generation: Option<u64>,
    authenticated_at: Option<u64>,
    /// Unix seconds: it does not live longer.
    ends_at: Option<u64>,
    /// It is for this cluster alone.
    cluster: Option<&'a str>,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The compact form.
    pub token: String,
    /// Its `jti`.
    pub id: String,
    /// Unix seconds.
    pub expires_at: u64,
}

// === impl Issuer ===

impl Issuer {
    /// Signs with `signer`, and checks against `keys`, which must hold its key
    /// (and may hold older ones, whose tokens are still out).
    pub fn new(signer: Signer, keys: KeySet, lifetime: Duration) -> Self {
        let keys = Keys {
            signer,
            checked: keys,
        };
        Self {
            keys: RwLock::new(Arc::new(keys)),
            lifetime,
            metrics: Metrics::default(),
        }
    }

    /// The same issuer, which counts what it makes here.
    #[must_use]
    pub fn counting(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// One Ed25519 key for both.
    ///
    /// # Errors
    /// Never for a key pair that [`Ed25519Signer`] has made or read.
    pub fn ed25519(signer: Ed25519Signer, lifetime: Duration) -> Result<Self, KeyError> {
        Self::ed25519_among(signer, Vec::new(), lifetime)
    }

    /// One Ed25519 key to sign with; tokens of the others are taken as well.
    ///
    /// # Errors
    /// Two keys with one id.
    pub fn ed25519_among(
        signer: Ed25519Signer,
        others: Vec<Ed25519Key>,
        lifetime: Duration,
    ) -> Result<Self, KeyError> {
        let Keys { signer, checked } = Keys::ed25519(signer, others)?;
        Ok(Self::new(signer, checked, lifetime))
    }

    /// Signs with this key from now on, and takes its tokens and those of the others.
    ///
    /// # Errors
    /// Two keys with one id; nothing has changed then.
    pub fn replace(&self, signer: Ed25519Signer, others: Vec<Ed25519Key>) -> Result<(), KeyError> {
        let keys = Arc::new(Keys::ed25519(signer, others)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// KubeCube's shared secret for both.
    pub fn hs256(secret: Hs256Secret, lifetime: Duration) -> Self {
        Self::new(
            Signer::Hs256(secret.clone()),
            KeySet::Hs256(secret),
            lifetime,
        )
    }

    /// Returns the `iss` of its tokens; nothing stands there under a shared secret.
    pub fn name(&self) -> Option<String> {
        match &self.keys().checked {
            KeySet::Ed25519 { issuer, .. } => Some(issuer.clone()),
            KeySet::Hs256(_) => None,
        }
    }

    /// The keys that anybody may check its tokens with.
    pub fn public_keys(&self) -> Vec<Ed25519Key> {
        self.keys().checked.public_keys().cloned().collect()
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how long its tokens are valid.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Makes a token for `user` without an access key. Whether the user may have one
    /// is the caller's business.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue(&self, user: &User, now: OffsetDateTime) -> Result<IssuedToken, KeyError> {
        self.make(Kind::Other, user, Origin::default(), self.lifetime, now)
    }

    /// Makes a token for the owner of `key`, which is good for what the key is and
    /// does not outlive it. Whether the key is good is the caller's business.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue_from_key(
        &self,
        owner: &User,
        key: &AccessKey,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let origin = Origin {
            key: Some(key),
            ends_at: key.attributes.expires_at.map(unix_seconds),
            ..Origin::default()
        };
        self.make(Kind::Key, owner, origin, self.lifetime, now)
    }

    /// Makes a token for a login by cookie, or a younger one for the same login.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub(crate) fn issue_for_cookie(
        &self,
        user: &User,
        session: &CookieSession,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let CookieSession {
            id,
            began_at,
            longest,
        } = session;
        let origin = Origin {
            session: Some(id),
            authenticated_at: Some(*began_at),
            ends_at: Some(began_at.saturating_add(longest.as_secs())),
            ..Origin::default()
        };
        self.make(Kind::Cookie, user, origin, self.lifetime, now)
    }

    /// Makes an access token for an OAuth client, of a session or of none.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue_access(
        &self,
        user: &User,
        generation: Option<Generation<'_>>,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let origin = Origin {
            session: generation.map(|generation| generation.session),
            generation: generation.map(|generation| generation.number),
            ..Origin::default()
        };
        self.make(Kind::Oauth, user, origin, lifetime, now)
    }

    fn make(
        &self,
        kind: Kind,
        user: &User,
        origin: Origin<'_>,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let issued_at = unix_seconds(now);
        let expires_at = issued_at.saturating_add(lifetime.as_secs());
        let Origin {
            key,
            session,
            generation,
            authenticated_at,
            ends_at,
            cluster,
        } = origin;
        let mut scope = key.map(|key| key.attributes.scope.clone());
        if let Some(cluster) = cluster {
            scope.get_or_insert_default().clusters = vec![cluster.to_owned()];
        }
        let expires_at = ends_at.map_or(expires_at, |end| expires_at.min(end));
        let claims = Claims {
            user: user.name.clone(),
            groups: self.groups_of(user),
            access_key: key.map(|key| key.access_key.clone()),
            key_epoch: key.map(|key| key.token_epoch),
            scope: scope.filter(|scope| !scope.is_unbounded()),
            limits: key
                .map(|key| key.attributes.limits)
                .filter(|limits| !limits.is_none()),
            session: session.map(str::to_owned),
            generation,
            authenticated_at,
            epoch: Some(user.token_epoch),
            id: None,
            issued_at,
            expires_at,
        };
        self.sign(kind, claims)
    }

    /// Signs a token under an id of its own.
    fn sign(&self, kind: Kind, claims: Claims) -> Result<IssuedToken, KeyError> {
        let id = Uuid::new_v4().simple().to_string();
        let expires_at = claims.expires_at;
        let token = self.keys().signer.sign(&Claims {
            id: Some(id.clone()),
            ..claims
        })?;
        self.metrics.issued(kind);
        Ok(IssuedToken {
            token,
            id,
            expires_at,
        })
    }

    /// Returns the groups that a token of this user acts with. Those that are written under a
    /// shared secret do not count, since others can write there, too.
    pub(crate) fn groups_of(&self, user: &User) -> Vec<String> {
        let own: &[String] = match self.keys().checked {
            KeySet::Ed25519 { .. } => &user.groups,
            KeySet::Hs256(_) => &[],
        };
        token_groups(own)
    }

    /// Returns what a token says, if it is one of ours and still valid.
    ///
    /// # Errors
    /// Why it stands for nobody.
    pub fn verify(
        &self,
        token: &UnverifiedToken,
        now: OffsetDateTime,
    ) -> Result<Claims, TokenError> {
        self.keys().checked.verify(token, unix_seconds(now))
    }
}

// === impl Keys ===

impl Keys {
    fn ed25519(signer: Ed25519Signer, others: Vec<Ed25519Key>) -> Result<Self, KeyError> {
        let own = signer.public_key()?;
        let checked = KeySet::ed25519(signer.issuer(), others.into_iter().chain([own]))?;
        Ok(Self {
            signer: Signer::Ed25519(Box::new(signer)),
            checked,
        })
    }
}

/// Times before 1970 do not occur; 0 makes every token one from the future then.
pub(crate) fn unix_seconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
