//! Users and their groups.

mod delete;
mod email;
mod groups;
mod guesses;
mod kubecube;
mod login;
mod profile;
mod read;
mod sessions;
mod write;

use cubegate_domain::UserState;

pub use groups::MAX_GROUPS_BYTES;
pub use guesses::{LoginHistory, MAX_LOGIN_ADDRESSES};
#[cfg(test)]
pub(crate) use kubecube::hex_md5;
pub use kubecube::{KubeCubeUser, Md5Password};
pub use profile::ProfileChange;
pub(crate) use sessions::forget_login;
pub use sessions::{KubeconfigMaker, Login, LoginKind, MAX_LOGINS};

/// Shortest password of a user that is added here. Imported users keep theirs.
pub const MIN_PASSWORD_BYTES: usize = 8;

/// A user to add or import.
pub struct NewUser {
    /// The name; must pass `cubegate_token::check_user_name`.
    pub name: String,
    /// What the console shows; the name when absent.
    pub display_name: Option<String>,
    /// In clear; only its hash is kept.
    pub password: String,
    /// Whether the user may log in.
    pub state: UserState,
    /// Each must pass `cubegate_token::check_group_name`.
    pub groups: Vec<String>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was not there before.
    Created,
    /// It replaced what was there.
    Replaced,
    /// The same was there.
    Unchanged,
}
