//! A token as the client sent it, before anything in it may be believed.

use std::fmt;

use serde::Deserialize;

use crate::compact::decode;

/// Longest token accepted, in bytes. Ours have about 500.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The compact form of a JWT that nobody has checked yet. Its `Debug` form
/// shows the length only: a token never reaches a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnverifiedToken(String);

impl UnverifiedToken {
    /// Wraps what a client sent.
    pub fn new(compact: impl Into<String>) -> Self {
        Self(compact.into())
    }

    /// Returns the compact form, for the verifier and as a cache key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the `exp` that it claims, in Unix seconds. To be believed only once the
    /// verifier has found nothing wrong but that it has passed
    /// ([`TokenError::Expired`](crate::TokenError::Expired)).
    pub fn claimed_expiry(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Payload {
            exp: u64,
        }
        let payload = self.0.split('.').nth(1)?;
        if self.0.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let json = decode(payload).ok()?;
        serde_json::from_slice(&json)
            .ok()
            .map(|Payload { exp }| exp)
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedToken({} bytes)", self.0.len())
    }
}
