//! Who calls (`/api/v1/cube/whoami`), and where that leads; not KubeCube's.

use serde::{Deserialize, Serialize};

/// Answer of `GET /whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "name": "jeff", "displayName": "Jeff", "administrator": false, "groups": ["kubecube", "team-a"],
    "expiresAt": "2026-11-25T07:10:11Z",
    "session": {
        "id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "beganAt": "2026-11-25T06:10:11Z",
        "endsAt": "2026-11-25T18:10:11Z",
    },
})))]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// The user.
    pub name: String,
    /// What the console shows.
    pub display_name: String,
    /// Whether the user manages the gateway.
    pub administrator: bool,
    /// The token's groups, which clusters see beside `system:authenticated`.
    pub groups: Vec<String>,
    /// When the token ends, RFC 3339.
    pub expires_at: String,
    /// The login or kubeconfig that the token goes back to; absent in one of a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<OwnSession>,
}

/// See [`WhoAmI`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OwnSession {
    /// `sid` in its tokens.
    pub id: String,
    /// When its user logged in or got the kubeconfig, RFC 3339; absent when that is not known any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<String>,
    /// When it ends at the latest, or of KubeSphere's login unless it is refreshed,
    /// RFC 3339; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

/// Answer of `GET /whoami/clusters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "total": 2, "items": ["member-1", "pivot-cluster"], "host": "pivot-cluster",
})))]
pub struct OwnClusters {
    /// How many.
    pub total: usize,
    /// Their names, in order.
    pub items: Vec<String>,
    /// Which of them is the host cluster; absent when it is none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}
