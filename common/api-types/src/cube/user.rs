//! Managing users (`/api/v1/cube/user`).

use serde::{Deserialize, Serialize};

use super::{UserSpec, UserStatus};

/// Body of `POST /user/` and `PUT /user/{name}`: a user object, of which only this
/// counts. Null is absent.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct UserBody {
    /// The name; an update takes it from the path.
    pub metadata: Option<UserBodyMetadata>,
    /// Everything else.
    pub spec: Option<UserBodySpec>,
}

/// See [`UserBody`].
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct UserBodyMetadata {
    /// The name.
    pub name: Option<String>,
}

/// See [`UserBody`]. An update changes what is there and not empty.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct UserBodySpec {
    /// In clear; blanks at its ends do not count.
    pub password: Option<String>,
    /// The present password, where users give themselves another one; not KubeCube's.
    pub origin_password: Option<String>,
    /// What the console shows; the name when absent.
    pub display_name: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// A Chinese mobile number, the only kind that KubeCube takes.
    pub phone: Option<String>,
    /// `zh` when absent.
    pub language: Option<String>,
    /// `normal`, which is the only one.
    pub login_type: Option<String>,
    /// `normal` or `forbidden`.
    pub state: Option<String>,
}

/// One user of `GET /user`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserItem {
    /// The name.
    pub name: String,
    /// What an administrator sets; never a password in any form.
    pub spec: UserSpec,
    /// What logins leave behind.
    pub status: UserStatus,
}

/// Answer of `GET /user`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": [{
    "name": "jeff",
    "spec": { "displayName": "Jeff", "language": "en", "loginType": "normal", "state": "normal" },
    "status": { "lastLoginTime": "2026-11-25T06:10:11Z", "lastLoginIP": "203.0.113.7" },
}] })))]
pub struct UserList {
    /// How many there are on all pages.
    pub total: u64,
    /// The page.
    pub items: Vec<UserItem>,
}

/// Answer of `GET /user/{name}/groups`; not KubeCube's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": ["team-a"] })))]
pub struct UserGroups {
    /// How many.
    pub total: usize,
    /// In the order of their bytes.
    pub items: Vec<String>,
}

/// Answer of `GET /user/{name}/sessions`; not KubeCube's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": [{
    "id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "kind": "cookie", "beganAt": "2026-11-25T06:10:11Z",
    "endsAt": "2026-11-25T18:10:11Z", "address": "203.0.113.7", "userAgent": "Mozilla/5.0",
}] })))]
pub struct UserSessions {
    /// How many.
    pub total: usize,
    /// The newest first.
    pub items: Vec<UserSession>,
}

/// One of [`UserSessions`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserSession {
    /// `sid` in its tokens.
    pub id: String,
    /// `cookie` or `oauth`, KubeCube's login or KubeSphere's, or `kubeconfig`.
    pub kind: String,
    /// When its user logged in, or got the kubeconfig.
    pub began_at: String,
    /// When it ends by itself, unless it is refreshed or the kubeconfig made again.
    pub ends_at: String,
    /// From where, as far as that is known.
    pub address: Option<String>,
    /// With which program, in its own words.
    pub user_agent: String,
}

/// Answer of `GET /user/valid/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "isValid": true })))]
#[serde(rename_all = "camelCase")]
pub struct UserValid {
    /// Whether there is a user of that name.
    pub is_valid: bool,
}

/// Body of `PUT /user/pwd`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct PasswordChange {
    /// Whose password.
    pub user_name: Option<String>,
    /// The old one.
    pub origin_password: Option<String>,
    /// The new one; blanks at its ends do not count.
    pub new_password: Option<String>,
}
