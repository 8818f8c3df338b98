//! Makes and checks tokens.

mod refresh;

use std::time::Duration;

use cubegate_domain::{AccessKey, User};
use cubegate_token::{
    Claims, Ed25519Key, Ed25519Signer, Hs256Secret, KUBECUBE_GROUP, KeyError, KeySet, Signer,
    TokenError, UnverifiedToken,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// KubeCube's own.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Makes tokens with one key and checks them against the key set that Envoys have.
pub struct Issuer {
    signer: Signer,
    keys: KeySet,
    lifetime: Duration,
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
        Self {
            signer,
            keys,
            lifetime,
        }
    }

    /// One Ed25519 key for both.
    ///
    /// # Errors
    /// Never for a key pair that [`Ed25519Signer`] has made or read.
    pub fn ed25519(signer: Ed25519Signer, lifetime: Duration) -> Result<Self, KeyError> {
        let keys = KeySet::ed25519(signer.issuer(), [signer.public_key()?])?;
        Ok(Self::new(Signer::Ed25519(Box::new(signer)), keys, lifetime))
    }

    /// KubeCube's shared secret for both.
    pub fn hs256(secret: Hs256Secret, lifetime: Duration) -> Self {
        Self::new(
            Signer::Hs256(secret.clone()),
            KeySet::Hs256(secret),
            lifetime,
        )
    }

    /// The `iss` of its tokens; nothing stands there under a shared secret.
    pub fn name(&self) -> Option<&str> {
        match &self.keys {
            KeySet::Ed25519 { issuer, .. } => Some(issuer),
            KeySet::Hs256(_) => None,
        }
    }

    /// The keys that anybody may check its tokens with.
    pub fn public_keys(&self) -> impl Iterator<Item = &Ed25519Key> {
        self.keys.public_keys()
    }

    /// How long its tokens are valid.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Makes a token for `user` without an access key. Whether the user may have one
    /// is the caller's business.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue(&self, user: &User, now: OffsetDateTime) -> Result<IssuedToken, KeyError> {
        self.make(user, Origin::default(), self.lifetime, now)
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
        self.make(owner, origin, self.lifetime, now)
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
        self.make(user, origin, self.lifetime, now)
    }

    /// [`Self::issue`] with a lifetime of its own. A token that is asked for with the
    /// token of a key is one of that key: it ends with it.
    ///
    /// # Errors
    /// As there.
    pub fn issue_for(
        &self,
        user: &User,
        maker: Option<&AccessKey>,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let origin = Origin {
            key: maker,
            ends_at: maker.and_then(|key| key.attributes.expires_at.map(unix_seconds)),
            ..Origin::default()
        };
        self.make(user, origin, lifetime, now)
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
        self.make(user, origin, lifetime, now)
    }

    fn make(
        &self,
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
        } = origin;
        let expires_at = ends_at.map_or(expires_at, |end| expires_at.min(end));
        let id = Uuid::new_v4().simple().to_string();
        let token = self.signer.sign(&Claims {
            user: user.name.clone(),
            groups: self.groups_of(user),
            access_key: key.map(|key| key.access_key.clone()),
            key_epoch: key.map(|key| key.token_epoch),
            scope: key
                .map(|key| &key.attributes.scope)
                .filter(|scope| !scope.is_unbounded())
                .cloned(),
            limits: key
                .map(|key| key.attributes.limits)
                .filter(|limits| !limits.is_none()),
            session: session.map(str::to_owned),
            generation,
            authenticated_at,
            epoch: Some(user.token_epoch),
            id: Some(id.clone()),
            issued_at,
            expires_at,
        })?;
        Ok(IssuedToken {
            token,
            id,
            expires_at,
        })
    }

    /// The groups that a token of this user acts with. Those that are written under a
    /// shared secret do not count, since others can write there, too.
    pub(crate) fn groups_of(&self, user: &User) -> Vec<String> {
        let mut groups = vec![KUBECUBE_GROUP.to_owned()];
        if let KeySet::Ed25519 { .. } = self.keys {
            let others = user.groups.iter().filter(|group| *group != KUBECUBE_GROUP);
            groups.extend(others.cloned());
        }
        groups
    }

    /// What a token says, if it is one of ours and still valid.
    ///
    /// # Errors
    /// Why it stands for nobody.
    pub fn verify(
        &self,
        token: &UnverifiedToken,
        now: OffsetDateTime,
    ) -> Result<Claims, TokenError> {
        self.keys.verify(token, unix_seconds(now))
    }
}

/// Times before 1970 do not occur; 0 makes every token one from the future then.
pub(crate) fn unix_seconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
