//! What can be wrong with a token or a key.

use thiserror::Error;

/// Why a token does not stand for anybody. KubeCube's clients see one sentence for nearly
/// all of them (`Token invalid.`); the reason is for the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not three base64url parts with a JSON header and payload, or too long.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than the key's, `none`, or an extension in `crit`.
    #[error("the token's algorithm is not the key's")]
    Algorithm,
    /// No `kid`, or one that no key has.
    #[error("the token names no key of ours")]
    UnknownKey,
    /// The signature does not match, or the issuer is another one.
    #[error("the token's signature or issuer is not valid")]
    Invalid,
    /// `nbf` lies in the future, by more than
    /// [`FUTURE_SKEW_SECONDS`](crate::FUTURE_SKEW_SECONDS), and `iat` does not.
    #[error(
        "the token is not valid yet: it was made for a later time, or by a machine whose clock is ahead"
    )]
    NotYet,
    /// It is good, but was issued in the future, by more than
    /// [`FUTURE_SKEW_SECONDS`](crate::FUTURE_SKEW_SECONDS).
    #[error(
        "the token was issued in the future: the clocks of the gateway's machines are too far apart; set them by NTP"
    )]
    ClockSkew,
    /// `exp` is absent: such a token would be valid for ever.
    #[error("the token has no expiry")]
    NoExpiry,
    /// `exp` has passed by more than the clock skew allowed.
    #[error("the token has expired")]
    Expired,
    /// It is a refresh token, or of a type that nobody knows.
    #[error("the token is not one to call with")]
    Type,
    /// An access token without an id: nobody here has made it.
    #[error("the token is of no session that is known")]
    Unknown,
    /// It was taken back: its key, session or user has changed.
    #[error("the token has been revoked")]
    Revoked,
    /// The user or a group in it may not be impersonated.
    #[error("the token names a user or group that cannot be impersonated")]
    Subject,
}

// === impl TokenError ===

impl TokenError {
    /// Returns a word for it, for counting.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Invalid => "invalid",
            Self::NotYet => "not_yet",
            Self::ClockSkew => "clock_skew",
            Self::NoExpiry => "no_expiry",
            Self::Expired => "expired",
            Self::Type => "type",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Subject => "subject",
        }
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The bytes are not an Ed25519 key.
    #[error("key {kid:?} is not an Ed25519 key")]
    NotEd25519 {
        /// The key id it was given under.
        kid: String,
    },
    /// The shared secret is too short to resist guessing.
    #[error("the HS256 secret has {bytes} bytes; at least {min} are needed", min = crate::MIN_HS256_SECRET_BYTES)]
    SecretTooShort {
        /// How long it is.
        bytes: usize,
    },
    /// Two keys share an id.
    #[error("two keys have the id {kid:?}")]
    DuplicateKid {
        /// The id.
        kid: String,
    },
    /// Signing failed in the crypto library.
    #[error("the token could not be signed: {0}")]
    Sign(String),
}
