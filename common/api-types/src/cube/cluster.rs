//! Clusters of the gateway (`/api/v1/cube/clusters`), for administrators.

use serde::{Deserialize, Serialize};

/// Answer of `GET /clusters`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": [{
    "name": "member-1", "server": "https://10.0.0.7:6443", "createdAt": "2026-11-25T06:10:11Z",
    "host": false, "status": "normal", "reason": "", "since": "2026-11-25T06:10:12Z",
    "version": "v1.30.4", "latencyMs": 3, "credentialExpiresAt": "2027-11-25T06:10:11Z",
    "source": "api",
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
    /// Whether it is the host cluster, which paths mean that name none.
    pub host: bool,
    /// `normal` when it answered the control plane's last look and takes the gateway's
    /// credential, `abnormal` when not, `unknown` before the first. Of several control planes
    /// each tells what it sees itself.
    pub status: String,
    /// Why it is abnormal, in one sentence; empty when it is not.
    pub reason: String,
    /// When that status began, RFC 3339.
    pub since: String,
    /// Its version, such as `v1.30.4`, at the last look that it told one; empty before.
    pub version: String,
    /// How many milliseconds it took to answer the last look; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// When the gateway's own credential there ends, RFC 3339; absent when it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires_at: Option<String>,
    /// By what it was registered as it is: `api`, `cli` or `import`, or what it comes from and
    /// alone removes it: `folder`, `kubecube` or `kubesphere`; empty when nobody knows.
    pub source: String,
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

/// Body of `POST /clusters/check`; that of `POST /clusters` is one, too.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckClusterRequest {
    /// The name that it is to get, if that is known yet.
    #[serde(default)]
    pub name: String,
    /// A kubeconfig as YAML or JSON text, or base64 of it.
    #[serde(default)]
    pub kubeconfig: String,
    /// The context to use; its `current-context` when absent.
    #[serde(default)]
    pub context: Option<String>,
}

/// Answer of `POST /clusters/check`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "server": "https://10.0.0.7:6443", "version": "v1.30.4", "warnings": [],
    "contexts": ["member-1", "member-2"],
})))]
pub struct ClusterChecked {
    /// The URL of its API server.
    pub server: String,
    /// Its version; empty when only Envoys can ask it.
    pub version: String,
    /// One sentence each.
    pub warnings: Vec<String>,
    /// The contexts that the kubeconfig has.
    pub contexts: Vec<String>,
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
