//! Plain KubeCube tokens: HMAC with SHA-256 under a shared secret (RFC 7515 A.1).
//!
//! jwt-simple refuses secrets under 32 bytes; KubeCube's own have 16, so the MAC
//! is computed here with the RustCrypto crates, and the claims take the same way
//! as all others.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Decoder};
use serde::Deserialize;
use sha2::Sha256;

use crate::claims::{Checked, PrivateClaims};
use crate::{CLOCK_SKEW_SECONDS, FUTURE_SKEW_SECONDS, KeyError, TokenError};

/// Shortest secret accepted, in bytes: what KubeCube generates.
pub const MIN_HS256_SECRET_BYTES: usize = 16;

/// From this length on a secret is as strong as the MAC (RFC 7518 3.2).
pub const STRONG_HS256_SECRET_BYTES: usize = 32;

/// A shared secret for HS256. Its `Debug` form hides it.
#[derive(Clone)]
pub struct Hs256Secret(Vec<u8>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(flatten)]
    private: PrivateClaims,
    exp: Option<u64>,
    nbf: Option<u64>,
    iat: Option<u64>,
    jti: Option<String>,
}

// === impl Hs256Secret ===

impl Hs256Secret {
    /// Takes a secret of at least [`MIN_HS256_SECRET_BYTES`].
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`].
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let secret = secret.into();
        if secret.len() < MIN_HS256_SECRET_BYTES {
            return Err(KeyError::SecretTooShort {
                bytes: secret.len(),
            });
        }
        Ok(Self(secret))
    }

    /// Whether the secret is shorter than the MAC and deserves a warning.
    pub fn is_weak(&self) -> bool {
        self.0.len() < STRONG_HS256_SECRET_BYTES
    }

    pub(crate) fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::<Sha256>::new_from_slice(&self.0).ok()
    }

    pub(crate) fn check(&self, compact: &str, now: u64) -> Result<Checked, TokenError> {
        let (signed, signature) = compact.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode_json(header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(TokenError::Algorithm);
        }
        let signature = decode(signature)?;
        let mut mac = self.mac().ok_or(TokenError::Invalid)?;
        mac.update(signed.as_bytes());
        // Constant time, by the crate's contract.
        mac.verify_slice(&signature)
            .map_err(|_| TokenError::Invalid)?;

        let payload: Payload = decode_json(payload)?;
        let expires_at = payload.exp.ok_or(TokenError::NoExpiry)?;
        if now >= expires_at.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(FUTURE_SKEW_SECONDS);
        if payload.iat.is_some_and(|issued_at| issued_at > latest) {
            return Err(TokenError::ClockSkew);
        }
        if payload.nbf.is_some_and(|starts_at| starts_at > latest) {
            return Err(TokenError::Invalid);
        }
        Ok(Checked {
            private: payload.private,
            id: payload.jti,
            issued_at: payload.iat,
            expires_at,
        })
    }
}

impl fmt::Debug for Hs256Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hs256Secret({} bytes)", self.0.len())
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    Base64UrlSafeNoPadding::decode_to_vec(part, None).map_err(|_| TokenError::Malformed)
}

fn decode_json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed)
}
