//! Access keys: what programs get tokens with.

mod change;
mod create;
mod delete;
mod import;
mod made;
mod once;
mod read;
mod uses;
mod verify;

use std::fmt;

use cubegate_domain::AccessKey;
use uuid::Uuid;

pub(crate) use delete::delete as delete_key_in;
pub use once::IdempotencyKey;
pub(crate) use uses::KeyUses;
pub use uses::{KEY_USES_INTERVAL, KeyUse};

/// A key pair that was just made: the only time its secret is seen. Its `Debug`
/// form hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// 32 lower-case hex digits.
    pub access_key: String,
    /// 32 lower-case hex digits.
    pub secret_key: String,
}

/// A key pair from elsewhere. Its `Debug` form hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedKey {
    /// The key's name.
    pub access_key: String,
    /// In clear; only its hash is kept.
    pub secret_key: String,
    /// The owner, who need not exist.
    pub user: String,
}

/// What a pair of access key and secret stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCheck {
    /// No such key.
    Unknown,
    /// The secret is not the key's.
    WrongSecret,
    /// The key; its owner may be gone or disabled.
    Valid(Box<AccessKey>),
}

/// A UUIDv4 without dashes, as KubeCube's halves are.
fn half() -> String {
    Uuid::new_v4().simple().to_string()
}

// === impl IssuedKey ===

impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedKey({}, ..)", self.access_key)
    }
}

// === impl ImportedKey ===

impl fmt::Debug for ImportedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedKey({} of {}, ..)", self.access_key, self.user)
    }
}
