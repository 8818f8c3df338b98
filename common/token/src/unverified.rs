//! A token as the client sent it, before anything in it may be believed.

use std::fmt;

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

    /// The compact form, for the verifier and as a cache key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedToken({} bytes)", self.0.len())
    }
}
