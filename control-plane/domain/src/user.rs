//! People and programs that may log in.

mod groups;
mod rules;

use time::OffsetDateTime;

pub use self::groups::{impersonated_groups, token_groups};
pub use self::rules::{
    PASSWORD_BYTES, check_display_name, check_email, check_language, check_password, check_phone,
};

/// KubeCube's language of a new user.
pub const DEFAULT_LANGUAGE: &str = "zh";

/// Members of this group manage clusters and users of the gateway.
pub const ADMIN_GROUP: &str = "cubegate:admins";

/// Whether a user may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// May log in.
    Normal,
    /// Disabled: no login and no tokens. KubeCube's word is `forbidden`.
    Forbidden,
}

/// What a user, or an administrator, says about the user. It gives no right; an e-mail
/// address that only one user has may stand for the name at `/oauth/token`.
/// Empty text: nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Passes [`check_email`], or is empty.
    pub email: String,
    /// Passes [`check_phone`], or is empty.
    pub phone: String,
    /// The console's language; [`DEFAULT_LANGUAGE`] for users made over the API.
    pub language: String,
    /// Whether the user was made over the API: KubeCube marks such users with an
    /// annotation, which its clients see.
    pub by_api: bool,
}

/// A user, without the password hash, which never leaves the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name; passes `cubegate_token::check_user_name`.
    pub name: String,
    /// What the console shows.
    pub display_name: String,
    /// Whether the user may log in.
    pub state: UserState,
    /// Groups beside `kubecube`; each passes `cubegate_token::check_group_name`.
    pub groups: Vec<String>,
    /// Counts the writes to this user from 1 on; KubeCube clients see it as
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// Which generation of the user's tokens is good, from 1 on.
    pub token_epoch: u64,
    /// E-mail, phone and language.
    pub profile: Profile,
    /// When the user was created.
    pub created_at: OffsetDateTime,
    /// The last login with a password.
    pub last_login_at: Option<OffsetDateTime>,
    /// The address of the last login.
    pub last_login_ip: Option<String>,
    /// Until when logins from new addresses are refused, because the password was being
    /// guessed; it may have passed. Addresses that the user has logged in from are not
    /// concerned.
    pub locked_until: Option<OffsetDateTime>,
}

// === impl User ===

impl User {
    /// Returns whether the user manages the gateway.
    pub fn is_admin(&self) -> bool {
        self.groups.iter().any(|group| group == ADMIN_GROUP)
    }
}

// === impl UserState ===

impl UserState {
    /// Returns the word that stands in the database and in KubeCube's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Forbidden => "forbidden",
        }
    }

    /// Reads the word; an unknown one is `None`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "normal" => Some(Self::Normal),
            "forbidden" => Some(Self::Forbidden),
            _ => None,
        }
    }
}
