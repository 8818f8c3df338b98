//! Objects that KubeCube keeps in Kubernetes and shows as such: users and keys.
//!
//! Times are RFC 3339 in UTC.

use std::collections::BTreeMap;

use cubegate_token::KeyScope;
use serde::{Deserialize, Serialize};

/// The `apiVersion` of users and keys.
pub const API_VERSION: &str = "user.kubecube.io/v1";

/// The label that names a key's owner.
pub const USER_LABEL: &str = "kubecube.io/user";

/// The annotation that KubeCube puts on users made over its API.
pub const SYNC_ANNOTATION: &str = "kubecube.io/sync";

/// Answer of `POST /login`. It holds no password in any form.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "kind": "User", "apiVersion": "user.kubecube.io/v1",
    "metadata": { "name": "jeff", "resourceVersion": "7" },
    "spec": { "displayName": "Jeff", "language": "en", "loginType": "normal", "state": "normal" },
    "status": { "lastLoginTime": "2026-11-25T06:10:11Z", "lastLoginIP": "203.0.113.7" },
})))]
#[serde(rename_all = "camelCase")]
pub struct UserObject {
    /// `User`.
    pub kind: String,
    /// [`API_VERSION`].
    pub api_version: String,
    /// Name and version.
    pub metadata: UserMetadata,
    /// What an administrator sets.
    pub spec: UserSpec,
    /// What logins leave behind.
    pub status: UserStatus,
}

/// See [`UserObject`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserMetadata {
    /// The user's name.
    pub name: String,
    /// Grows with every write to the user.
    pub resource_version: String,
    /// Always null, as recorded from KubeCube.
    pub creation_timestamp: Option<String>,
    /// [`SYNC_ANNOTATION`], or nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// See [`UserObject`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserSpec {
    /// What the console shows.
    pub display_name: String,
    /// E-mail; absent when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Phone; absent when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// The console's language; absent when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// `normal`.
    pub login_type: String,
    /// `normal` or `forbidden`.
    pub state: String,
}

/// See [`UserObject`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserStatus {
    /// The last login.
    #[serde(rename = "lastLoginTime", skip_serializing_if = "Option::is_none")]
    pub last_login_time: Option<String>,
    /// The address that it came from.
    #[serde(rename = "lastLoginIP", skip_serializing_if = "Option::is_none")]
    pub last_login_ip: Option<String>,
    /// Until when logins from new addresses are refused, because the password was being
    /// guessed; absent when they are not.
    #[serde(rename = "lockedUntil", skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<String>,
}

/// Answer of `GET /key`: the caller's keys, all of them, without `total`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "kind": "KeyList", "apiVersion": "user.kubecube.io/v1", "metadata": {},
    "items": [{
        "metadata": {
            "name": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "creationTimestamp": "2026-11-25T06:10:11Z",
            "labels": { "kubecube.io/user": "jeff" },
        },
        "spec": {
            "user": "jeff", "lastUsedTime": "2026-11-25T07:00:00Z", "lastUsedAddress": "203.0.113.7",
            "lastUsedCluster": "member-1", "name": "deploy",
            "scope": { "clusters": ["member-1"], "verbs": ["get", "list", "watch"] },
        },
    }],
})))]
#[serde(rename_all = "camelCase")]
pub struct KeyList {
    /// `KeyList`.
    pub kind: String,
    /// [`API_VERSION`].
    pub api_version: String,
    /// Always empty.
    pub metadata: BTreeMap<String, String>,
    /// Oldest first.
    pub items: Vec<KeyObject>,
}

/// A page of the keys of all users, or of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "items": [{
        "metadata": {
            "name": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "creationTimestamp": "2026-11-25T06:10:11Z",
            "labels": { "kubecube.io/user": "jeff" },
        },
        "spec": { "user": "jeff", "lastUsedTime": "2026-11-25T07:00:00Z", "name": "deploy" },
    }],
    "total": 1,
})))]
pub struct KeyPage {
    /// Those of the page.
    pub items: Vec<KeyObject>,
    /// How many there are on all pages.
    pub total: u64,
}

/// One key of a [`KeyList`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyObject {
    /// Name, creation and owner.
    pub metadata: KeyMetadata,
    /// Owner and last use. KubeCube shows the secret here; it is shown only once now.
    pub spec: KeySpec,
}

/// See [`KeyObject`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyMetadata {
    /// The access key.
    pub name: String,
    /// When it was created.
    pub creation_timestamp: String,
    /// [`USER_LABEL`].
    pub labels: BTreeMap<String, String>,
}

/// See [`KeyObject`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeySpec {
    /// The owner.
    pub user: String,
    /// When a token was last made from it, or a cluster last asked with one; null when
    /// never. What another control plane has noted comes within a minute.
    pub last_used_time: Option<String>,
    /// The client's address at that use; absent when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_address: Option<String>,
    /// The cluster that was last asked with a token of it; absent when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_cluster: Option<String>,
    /// What it is called; absent when it has no name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The access key with whose token it was made; absent when a login or the command
    /// line has made it. It goes with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// What it is for; absent when nobody has said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// From then on it gives no token; absent when it does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What its tokens may be used for; absent for all that its owner may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<KeyScope>,
    /// How many requests in a second its tokens are good for, 0 for any number; absent
    /// for as many as those of other keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// How many at the same time, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<u32>,
    /// Until when the secret before the present one is good; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<String>,
}
