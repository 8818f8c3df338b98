//! What member clusters have and who may do what there, in KubeCube's form.

use serde::{Deserialize, Serialize};

/// Answer of `GET /clusters/info`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "total": 1, "items": [{
    "clusterName": "member-1", "clusterDescription": "", "networkType": "", "harborAddr": "",
    "nodeCount": 3, "totalCpu": 24000, "usedCpu": 5200, "namespaceCount": 12,
    "totalMem": 96000, "usedMem": 41000, "totalStorage": 204800, "usedStorage": 51200,
    "totalStorageEphemeral": 300000, "usedStorageEphemeral": 0, "totalGpu": 0, "usedGpu": 0,
    "isMemberCluster": true, "createTime": "2026-11-25T06:10:11Z",
    "kubeApiServer": "https://10.0.0.7:6443", "status": "normal",
}] })))]
pub struct ClusterInfoList {
    /// How many there are.
    pub total: usize,
    /// By name.
    pub items: Vec<ClusterInfo>,
}

/// One cluster of `GET /clusters/info`. What is not known is 0 or empty. CPU is in
/// thousandths of a core, memory and storage in MiB.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    /// The name in paths.
    pub cluster_name: String,
    /// Always empty here.
    pub cluster_description: String,
    /// Always empty here.
    pub network_type: String,
    /// Always empty here.
    pub harbor_addr: String,
    /// Nodes.
    pub node_count: u64,
    /// Of all nodes.
    pub total_cpu: u64,
    /// As the metrics server measures.
    pub used_cpu: u64,
    /// Namespaces.
    pub namespace_count: u64,
    /// Of all nodes.
    pub total_mem: u64,
    /// As the metrics server measures.
    pub used_mem: u64,
    /// Of all persistent volumes.
    pub total_storage: u64,
    /// Of those that are bound.
    pub used_storage: u64,
    /// Of all nodes.
    pub total_storage_ephemeral: u64,
    /// Always 0 here.
    pub used_storage_ephemeral: u64,
    /// Of all nodes.
    pub total_gpu: u64,
    /// Always 0 here.
    pub used_gpu: u64,
    /// False for the host cluster, KubeCube's pivot.
    pub is_member_cluster: bool,
    /// When it was registered, RFC 3339.
    pub create_time: String,
    /// The URL of its API server.
    pub kube_api_server: String,
    /// `normal`, or `abnormal` when it does not answer.
    pub status: String,
}

/// Answer of `GET /clusters/namespaces`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "items": ["member-1"], "total": 1 })))]
pub struct ClusterNames {
    /// Names of clusters.
    pub items: Vec<String>,
    /// How many there are.
    pub total: usize,
}

/// Answer of `GET /clusters/resources`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "capacityCpu": 24000, "assignedCpu": 9300, "capacityMem": "96000Mi", "assignedMem": "38400Mi",
    "capacityGpu": 0, "assignedGpu": 0,
})))]
#[serde(rename_all = "camelCase")]
pub struct ClusterResources {
    /// Thousandths of a core.
    pub capacity_cpu: u64,
    /// What pods that are not over ask for.
    pub assigned_cpu: u64,
    /// `<n>Mi`
    pub capacity_mem: String,
    /// `<n>Mi`
    pub assigned_mem: String,
    /// GPUs.
    pub capacity_gpu: u64,
    /// GPUs.
    pub assigned_gpu: u64,
}

/// Body of `POST /authorization/access`: may that user do that?
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, rename_all = "camelCase")]
pub struct AccessRequest {
    /// Who; the caller when absent.
    pub user: Option<String>,
    /// As `get`.
    pub verb: Option<String>,
    /// All of them when absent.
    pub namespace: Option<String>,
    /// The core group when absent.
    pub api_group: Option<String>,
    /// Any when absent.
    pub api_version: Option<String>,
    /// As `pods`.
    pub resource: Option<String>,
    /// As `log`.
    pub subresource: Option<String>,
    /// Any when absent.
    pub name: Option<String>,
    /// Whether it is about a resource and not about a path; true when absent, unless
    /// there is a path.
    pub resource_request: Option<bool>,
    /// As `/healthz`.
    pub path: Option<String>,
}

/// Answer of `GET /authorization/identities`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "platformAdmin": false, "tenantAdmin": true, "projectAdmin": false })))]
#[serde(rename_all = "camelCase")]
pub struct Identities {
    /// Administers the gateway, or may do everything in the host cluster.
    pub platform_admin: bool,
    /// Bound to the cluster role `tenant-admin` somewhere.
    pub tenant_admin: bool,
    /// Bound to the cluster role `project-admin` somewhere.
    pub project_admin: bool,
}
