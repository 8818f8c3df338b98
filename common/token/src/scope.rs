//! What a key may be used for.

use serde::{Deserialize, Serialize};

/// Clusters × namespaces × verbs that tokens of a key may be used for, in addition
/// to what RBAC in the cluster lets their user do. An empty list is no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyScope {
    /// Names of clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// Namespaces. With any of them, what is in no namespace is out of reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Kubernetes' request verbs: `get`, `list`, `watch`, `create`, `update`,
    /// `patch`, `delete`, `deletecollection`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
}

// === impl KeyScope ===

impl KeyScope {
    /// Kubernetes' request verbs, those that a scope can hold.
    pub const VERBS: [&str; 8] = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ];

    /// Returns whether it bounds nothing.
    pub fn is_unbounded(&self) -> bool {
        self.clusters.is_empty() && self.namespaces.is_empty() && self.verbs.is_empty()
    }
}
