//! Clusters of the gateway (`/api/v1/cube/clusters`), for administrators.

use serde::{Deserialize, Serialize};

/// Answer of `GET /clusters`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": [{
    "name": "member-1", "server": "https://10.0.0.7:6443", "createdAt": "2026-11-25T06:10:11Z",
    "envoys": { "connected": 2, "waiting": 0, "refused": [] },
}] })))]
pub struct ClusterList {
    /// By name.
    pub items: Vec<ClusterItem>,
    /// How many there are.
    pub total: usize,
}

/// One cluster; its credential is never shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterItem {
    /// The name in paths.
    pub name: String,
    /// The URL of its API server.
    pub server: String,
    /// When it was registered, RFC 3339.
    pub created_at: String,
    /// What the gateway's Envoys make of it.
    pub envoys: ClusterEnvoys,
}

/// What Envoys make of a cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterEnvoys {
    /// How many are connected.
    pub connected: usize,
    /// How many have not answered the last change yet.
    pub waiting: usize,
    /// Those that refuse the cluster and do not serve it as it is.
    pub refused: Vec<EnvoyRefusal>,
}

/// One Envoy's refusal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnvoyRefusal {
    /// The Envoy's name.
    pub envoy: String,
    /// Why, in its words.
    pub reason: String,
}

/// Body of `POST /clusters`.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddClusterRequest {
    /// The name in paths.
    #[serde(default)]
    pub name: String,
    /// A kubeconfig as YAML or JSON text, or base64 of it.
    #[serde(default)]
    pub kubeconfig: String,
    /// The context to use; its `current-context` when absent.
    #[serde(default)]
    pub context: Option<String>,
    /// Whether the API server must answer; true when absent.
    #[serde(default)]
    pub check: Option<bool>,
}

/// Answer of `POST /clusters`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "message": "success" })))]
pub struct ClusterAdded {
    /// Always `success`.
    pub message: String,
    /// One sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
