//! Plain KubeCube tokens: HMAC with SHA-256 under a shared secret (RFC 7515 A.1).
//!
//! KubeCube's own secrets have 16 bytes, half of what RFC 7518 asks for.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::claims::Checked;
use crate::compact::Compact;
use crate::{KeyError, TokenError};

/// The algorithm's name (RFC 7518 3.1).
pub(crate) const HS256: &str = "HS256";

/// Shortest secret accepted, in bytes: what KubeCube generates.
pub const MIN_HS256_SECRET_BYTES: usize = 16;

/// From this length on a secret is as strong as the MAC (RFC 7518 3.2).
pub const STRONG_HS256_SECRET_BYTES: usize = 32;

/// A shared secret for HS256. Its `Debug` form hides it.
#[derive(Clone)]
pub struct Hs256Secret(Vec<u8>);

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

    /// Returns whether the secret is shorter than the MAC and deserves a warning.
    pub fn is_weak(&self) -> bool {
        self.0.len() < STRONG_HS256_SECRET_BYTES
    }

    pub(crate) fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::<Sha256>::new_from_slice(&self.0).ok()
    }

    pub(crate) fn check(&self, token: &str, now: u64) -> Result<Checked, TokenError> {
        let compact = Compact::parse(token, HS256)?;
        let mut mac = self.mac().ok_or(TokenError::Invalid)?;
        mac.update(compact.signed);
        // Constant time, by the crate's contract.
        mac.verify_slice(&compact.signature)
            .map_err(|_| TokenError::Invalid)?;
        // KubeCube names no issuer.
        compact.payload(None, now)
    }
}

impl fmt::Debug for Hs256Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hs256Secret({} bytes)", self.0.len())
    }
}
