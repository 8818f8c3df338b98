//! Key pairs, the credential of programs.

use time::OffsetDateTime;

/// KubeCube's documented cap.
pub const MAX_KEYS_PER_USER: usize = 5;

/// A key pair as it can be shown: the secret is kept hashed and never leaves the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// 32 lower-case hex digits.
    pub access_key: String,
    /// The owner. It may name a user that does not exist (any more): such a key
    /// gives no token.
    pub user: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When a token was last made from it.
    pub last_used_at: Option<OffsetDateTime>,
}
