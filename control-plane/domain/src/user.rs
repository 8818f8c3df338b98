//! People and programs that may log in.

use time::OffsetDateTime;

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
    /// When the user was created.
    pub created_at: OffsetDateTime,
    /// The last login with a password.
    pub last_login_at: Option<OffsetDateTime>,
    /// The address of the last login.
    pub last_login_ip: Option<String>,
}

// === impl User ===

impl User {
    /// Whether the user manages the gateway.
    pub fn is_admin(&self) -> bool {
        self.groups.iter().any(|group| group == ADMIN_GROUP)
    }
}

// === impl UserState ===

impl UserState {
    /// The word that stands in the database and in KubeCube's API.
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
