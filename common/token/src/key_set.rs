//! The keys that tokens are checked against, and the check itself.

use std::collections::BTreeMap;

use ed25519_compact::{PublicKey, Signature};

use crate::claims::{Checked, KUBECUBE_GROUP};
use crate::compact::Compact;
use crate::hs256::Hs256Secret;
use crate::{Claims, KeyError, MAX_TOKEN_BYTES, RefreshClaims, TokenError, UnverifiedToken};

/// The name of Ed25519 in tokens (RFC 8037 3.1).
pub(crate) const EDDSA: &str = "EdDSA";

/// How long after its end a token is taken yet, in seconds, because its clock and ours
/// may differ.
pub const CLOCK_SKEW_SECONDS: u64 = 30;

/// How far in the future a token may have been issued, in seconds. That its end has come
/// does not depend on it, so it is what badly set clocks need: when the control plane's
/// is ahead of Envoy's, every fresh token is from the future.
pub const FUTURE_SKEW_SECONDS: u64 = 300;

/// An Ed25519 public key and the id that tokens name it by.
#[derive(Clone)]
pub struct Ed25519Key {
    kid: String,
    key: PublicKey,
}

/// The keys of one gateway: either Ed25519 keys of ours or KubeCube's shared secret.
pub enum KeySet {
    /// Our own tokens.
    Ed25519 {
        /// The `iss` that a token must carry.
        issuer: String,
        /// The keys by `kid`; several while keys are being rotated.
        keys: BTreeMap<String, Ed25519Key>,
    },
    /// Plain KubeCube tokens.
    Hs256(Hs256Secret),
}

// === impl Ed25519Key ===

impl Ed25519Key {
    /// Takes the 32 raw bytes of a public key (RFC 8032).
    ///
    /// # Errors
    /// [`KeyError::NotEd25519`] when the bytes are no point on the curve.
    pub fn from_bytes(kid: impl Into<String>, public_key: &[u8]) -> Result<Self, KeyError> {
        let kid = kid.into();
        // A key's bytes alone do not say that it is none of the weak ones.
        let checked = PublicKey::from_slice(public_key).and_then(|key| {
            key.validate()?;
            Ok(key)
        });
        match checked {
            Ok(key) => Ok(Self { kid, key }),
            Err(_) => Err(KeyError::NotEd25519 { kid }),
        }
    }

    /// Returns the id that tokens name it by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the 32 raw bytes (RFC 8032).
    pub fn to_bytes(&self) -> [u8; 32] {
        *self.key
    }
}

// === impl KeySet ===

impl KeySet {
    /// A key set for our own tokens.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKid`] when two keys share an id.
    pub fn ed25519(
        issuer: impl Into<String>,
        keys: impl IntoIterator<Item = Ed25519Key>,
    ) -> Result<Self, KeyError> {
        let mut by_kid = BTreeMap::new();
        for key in keys {
            let kid = key.kid.clone();
            if by_kid.insert(kid.clone(), key).is_some() {
                return Err(KeyError::DuplicateKid { kid });
            }
        }
        Ok(Self::Ed25519 {
            issuer: issuer.into(),
            keys: by_kid,
        })
    }

    /// Checks a token at the time `now` (Unix seconds) and says what it says.
    ///
    /// The algorithm is the key's, `exp` is required and honoured to
    /// [`CLOCK_SKEW_SECONDS`], `nbf` and `iat` to [`FUTURE_SKEW_SECONDS`].
    ///
    /// # Errors
    /// Why the token stands for nobody; see [`TokenError`].
    pub fn verify(&self, token: &UnverifiedToken, now: u64) -> Result<Claims, TokenError> {
        let mut claims = Claims::from_checked(self.check(token, now)?)?;
        if matches!(self, Self::Hs256(_)) {
            // Whoever holds the secret can write any group into a token; KubeCube
            // itself never wrote another one than this.
            claims.groups = vec![KUBECUBE_GROUP.to_owned()];
        }
        Ok(claims)
    }

    /// Checks a refresh token as [`verify`](Self::verify) does one to call with.
    ///
    /// # Errors
    /// [`TokenError::Type`] for a token to call with, and why else it is none.
    pub fn verify_refresh(
        &self,
        token: &UnverifiedToken,
        now: u64,
    ) -> Result<RefreshClaims, TokenError> {
        RefreshClaims::from_checked(self.check(token, now)?)
    }

    /// The public keys, which anybody may check our tokens with; none of a shared
    /// secret.
    pub fn public_keys(&self) -> impl Iterator<Item = &Ed25519Key> {
        match self {
            Self::Ed25519 { keys, .. } => Some(keys.values()),
            Self::Hs256(_) => None,
        }
        .into_iter()
        .flatten()
    }

    fn check(&self, token: &UnverifiedToken, now: u64) -> Result<Checked, TokenError> {
        let compact = token.as_str();
        if compact.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        match self {
            Self::Ed25519 { issuer, keys } => check_ed25519(issuer, keys, compact, now),
            Self::Hs256(secret) => secret.check(compact, now),
        }
    }
}

fn check_ed25519(
    issuer: &str,
    keys: &BTreeMap<String, Ed25519Key>,
    token: &str,
    now: u64,
) -> Result<Checked, TokenError> {
    let compact = Compact::parse(token, EDDSA)?;
    let kid = compact.header.kid.as_ref();
    let Ed25519Key { key, .. } = kid
        .and_then(|kid| keys.get(kid))
        .ok_or(TokenError::UnknownKey)?;
    Signature::from_slice(&compact.signature)
        .and_then(|signature| key.verify(compact.signed, &signature))
        .map_err(|_| TokenError::Invalid)?;
    compact.payload(Some(issuer), now)
}
