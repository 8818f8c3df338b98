//! What a path says about the list behind it.

/// The path of a list of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListPath<'a> {
    /// `/api/v1` or `/apis/{group}/{version}`.
    root: &'a str,
    /// Empty for the core group.
    group: &'a str,
    namespace: Option<&'a str>,
    resource: &'a str,
}

/// The groups that kube-apiserver serves itself, from etcd. Others may be
/// aggregated servers, which order as they like.
const BUILT_IN_GROUPS: [&str; 21] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Their resources that belong to no namespace. A path without a namespace is
/// for all others the list of all namespaces, which the server orders by
/// namespace first. (`componentstatuses` are made up at each request.)
const CLUSTER_SCOPED: [(&str, &[&str]); 12] = [
    ("", &["namespaces", "nodes", "persistentvolumes"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    (
        "certificates.k8s.io",
        &["certificatesigningrequests", "clustertrustbundles"],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["flowschemas", "prioritylevelconfigurations"],
    ),
    (
        "networking.k8s.io",
        &["ingressclasses", "ipaddresses", "servicecidrs"],
    ),
    ("node.k8s.io", &["runtimeclasses"]),
    (
        "rbac.authorization.k8s.io",
        &["clusterrolebindings", "clusterroles"],
    ),
    ("resource.k8s.io", &["deviceclasses", "resourceslices"]),
    ("scheduling.k8s.io", &["priorityclasses"]),
    (
        "storage.k8s.io",
        &[
            "csidrivers",
            "csinodes",
            "storageclasses",
            "volumeattachments",
        ],
    ),
];

/// What follows a namespace's name and is no resource in it.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["finalize", "status"];

// === impl ListPath ===

impl<'a> ListPath<'a> {
    /// Reads a path at the API server. `None`: it is not the path of a list, or
    /// not written plainly.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        if path.contains('%') {
            return None;
        }
        let mut segments = path.strip_prefix('/')?.split('/');
        let group = match segments.next()? {
            "api" => "",
            "apis" => segments.next().filter(|group| !group.is_empty())?,
            _ => return None,
        };
        let version = segments.next().filter(|version| !version.is_empty())?;
        let rest: Vec<&str> = segments.collect();
        let (namespace, resource) = match rest.as_slice() {
            [resource] => (None, *resource),
            ["namespaces", namespace, resource]
                if !NAMESPACE_SUBRESOURCES.contains(resource) && !namespace.is_empty() =>
            {
                (Some(*namespace), *resource)
            }
            _ => return None,
        };
        if resource.is_empty() || resource == "watch" {
            return None;
        }
        let root_len = match group {
            "" => "/api/".len().saturating_add(version.len()),
            group => "/apis//"
                .len()
                .saturating_add(group.len())
                .saturating_add(version.len()),
        };
        Some(Self {
            root: path.get(..root_len)?,
            group,
            namespace,
            resource,
        })
    }

    /// Whether kube-apiserver serves it itself.
    pub(crate) fn is_built_in(&self) -> bool {
        BUILT_IN_GROUPS.contains(&self.group)
    }

    /// Whether the server's own order, that of its storage, is the order of names.
    pub(crate) fn is_ordered_by_name(&self) -> bool {
        self.is_built_in()
            && (self.namespace.is_some()
                || CLUSTER_SCOPED.iter().any(|(group, resources)| {
                    *group == self.group && resources.contains(&self.resource)
                }))
    }

    /// The namespace that the path names.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace
    }

    /// The path itself.
    pub(crate) fn whole(&self) -> String {
        self.in_namespace(self.namespace.unwrap_or_default())
    }

    /// The list that holds an object of this namespace (empty for none).
    pub(crate) fn in_namespace(&self, namespace: &str) -> String {
        let Self { root, resource, .. } = self;
        match namespace {
            "" => format!("{root}/{resource}"),
            namespace => format!("{root}/namespaces/{namespace}/{resource}"),
        }
    }
}
