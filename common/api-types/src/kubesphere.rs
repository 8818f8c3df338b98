//! Bodies of KubeSphere's paths (`/kapis`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a path that is none is answered with, as Go's net/http does it: plain text with
/// the newline.
pub const PAGE_NOT_FOUND: &str = "404 page not found\n";

/// What a path is answered with that does not have this method: plain text.
pub const METHOD_NOT_ALLOWED: &str = "405: Method Not Allowed";

/// Answer of `GET /kapis/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "gitVersion": "v0.1.0", "gitMajor": "0", "gitMinor": "1", "gitCommit": "unknown",
    "gitTreeState": "unknown", "buildDate": "unknown", "goVersion": "unknown",
    "compiler": "rustc", "platform": "linux/amd64",
})))]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// `v0.1.0`
    pub git_version: String,
    /// Its first number.
    pub git_major: String,
    /// Its second number.
    pub git_minor: String,
    /// `unknown` where a build does not tell, as in KubeSphere.
    pub git_commit: String,
    /// The same.
    pub git_tree_state: String,
    /// The same.
    pub build_date: String,
    /// KubeSphere's Go; there is none here.
    pub go_version: String,
    /// What the program was compiled with.
    pub compiler: String,
    /// `linux/amd64`
    pub platform: String,
}

/// A registered cluster in KubeSphere's form (`cluster.kubesphere.io/v1alpha1`, `Cluster`).
/// What KubeSphere has and the gateway does not know is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereCluster, example = json!({
    "kind": "Cluster", "apiVersion": "cluster.kubesphere.io/v1alpha1",
    "metadata": {
        "name": "member-1", "labels": { "cluster-role.kubesphere.io/member": "" },
        "creationTimestamp": "2024-05-01T08:00:00Z",
    },
    "spec": {
        "enable": true,
        "connection": { "type": "direct", "kubernetesAPIEndpoint": "https://10.0.0.5:6443" },
    },
    "status": { "conditions": [{
        "type": "Initialized", "status": "True", "reason": "Registered",
        "message": "The cluster is registered at the gateway.",
    }] },
})))]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// `Cluster`
    pub kind: String,
    /// `cluster.kubesphere.io/v1alpha1`
    pub api_version: String,
    /// Its name, and whether it is the host.
    pub metadata: ClusterMetadata,
    /// How it is reached.
    pub spec: ClusterSpec,
    /// How it is.
    pub status: ClusterStatus,
}

/// Of a [`Cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterMetadata))]
#[serde(rename_all = "camelCase")]
pub struct ClusterMetadata {
    /// As it stands in paths.
    pub name: String,
    /// `cluster-role.kubesphere.io/host` of the host, `cluster-role.kubesphere.io/member` of the
    /// others; the value is empty.
    pub labels: BTreeMap<String, String>,
    /// When it was registered, RFC 3339.
    pub creation_timestamp: String,
}

/// Of a [`Cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterSpec))]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// Always: a cluster that is out of use is not registered.
    pub enable: bool,
    /// Where it is; never with a credential.
    pub connection: ClusterConnection,
}

/// Of a [`ClusterSpec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterConnection))]
#[serde(rename_all = "camelCase")]
pub struct ClusterConnection {
    /// `direct`: the gateway goes to the API server, and no agent comes to the gateway.
    pub r#type: String,
    /// The API server's URL.
    #[serde(rename = "kubernetesAPIEndpoint")]
    pub kubernetes_api_endpoint: String,
}

/// Of a [`Cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterStatus))]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// `Initialized`, and `Ready` as far as it is known without asking the cluster.
    pub conditions: Vec<ClusterCondition>,
}

/// Of a [`ClusterStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterCondition))]
#[serde(rename_all = "camelCase")]
pub struct ClusterCondition {
    /// What it is about.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word for programs.
    pub reason: String,
    /// One sentence for people.
    pub message: String,
}

/// A page of clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = KubeSphereClusterList, example = json!({ "items": [{
    "kind": "Cluster", "apiVersion": "cluster.kubesphere.io/v1alpha1",
    "metadata": {
        "name": "member-1", "labels": { "cluster-role.kubesphere.io/member": "" },
        "creationTimestamp": "2024-05-01T08:00:00Z",
    },
    "spec": {
        "enable": true,
        "connection": { "type": "direct", "kubernetesAPIEndpoint": "https://10.0.0.5:6443" },
    },
    "status": { "conditions": [{
        "type": "Initialized", "status": "True", "reason": "Registered",
        "message": "The cluster is registered at the gateway.",
    }] },
}], "totalItems": 1 })))]
#[serde(rename_all = "camelCase")]
pub struct ClusterPage {
    /// Those on this page.
    pub items: Vec<Cluster>,
    /// How many there are on all pages.
    pub total_items: u64,
}
