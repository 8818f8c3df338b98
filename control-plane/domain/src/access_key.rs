//! Key pairs, the credential of programs.

mod attributes;

pub use attributes::{
    KeyAttributes, KeyAttributesError, KeyChange, MAX_KEY_DESCRIPTION_BYTES, MAX_KEY_NAME_BYTES,
    MAX_SCOPE_BYTES,
};

use time::{Duration, OffsetDateTime};

/// KubeCube's documented cap.
pub const MAX_KEYS_PER_USER: usize = 5;

/// How long both secrets of a key are good after a rotation, unless the owner says
/// otherwise.
pub const DEFAULT_OVERLAP: Duration = Duration::DAY;

/// How long they may be at most: who takes longer has not begun.
pub const MAX_OVERLAP: Duration = Duration::days(30);

/// A key pair as it can be shown: the secret is kept hashed and never leaves the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// 32 lower-case hex digits.
    pub access_key: String,
    /// The owner. It may name a user that does not exist (any more): such a key
    /// gives no token.
    pub user: String,
    /// What its owner says about it.
    pub attributes: KeyAttributes,
    /// Which generation of its tokens is good; grows when they are taken back.
    pub token_epoch: u64,
    /// Until when the secret before the present one is good; `None` when there was
    /// none.
    pub old_secret_until: Option<OffsetDateTime>,
    /// The key with whose token it was made: it does not outlive that one. `None` when
    /// a login or the command line has made it.
    pub made_by: Option<String>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When a token was last made from it, or a cluster last asked with one.
    pub last_used_at: Option<OffsetDateTime>,
    /// From which address that was, as far as it is known.
    pub last_used_address: Option<String>,
    /// The cluster that was last asked with a token of it; it may be gone.
    pub last_used_cluster: Option<String>,
}

// === impl AccessKey ===

impl AccessKey {
    /// Returns whether its tokens may do less than its owner, or may do it only for a while. They
    /// are for clusters only: what they could make at the gateway would know no bound.
    pub fn is_bounded(&self) -> bool {
        self.attributes.expires_at.is_some() || !self.attributes.scope.is_unbounded()
    }

    /// Returns whether it gives no token any more.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.attributes.expires_at.is_some_and(|end| end <= now)
    }
}
