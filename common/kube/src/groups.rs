//! The API groups of Kubernetes itself.

/// The groups that kube-apiserver serves itself, what can be listed of them from etcd, with
/// their resources that belong to no namespace. (`componentstatuses` are made up at each
/// request, so they are none here.) Others are custom resources or aggregated servers, also
/// where their names end in `k8s.io`: `metrics.k8s.io` has `pods` and `nodes`, too.
///
/// They stand in the order in which they are meant by the name of a resource. `extensions`
/// is last, since what it still has is in another group under the same name.
const BUILT_IN: [(&str, &[&str]); 24] = [
    ("", &["namespaces", "nodes", "persistentvolumes"]),
    ("apps", &[]),
    ("batch", &[]),
    ("autoscaling", &[]),
    ("policy", &[]),
    (
        "networking.k8s.io",
        &["ingressclasses", "ipaddresses", "servicecidrs"],
    ),
    (
        "rbac.authorization.k8s.io",
        &["clusterrolebindings", "clusterroles"],
    ),
    (
        "storage.k8s.io",
        &[
            "csidrivers",
            "csinodes",
            "storageclasses",
            "volumeattachments",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
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
    ("authentication.k8s.io", &[]),
    ("authorization.k8s.io", &[]),
    (
        "certificates.k8s.io",
        &["certificatesigningrequests", "clustertrustbundles"],
    ),
    ("coordination.k8s.io", &[]),
    ("discovery.k8s.io", &[]),
    ("events.k8s.io", &[]),
    (
        "flowcontrol.apiserver.k8s.io",
        &["flowschemas", "prioritylevelconfigurations"],
    ),
    ("internal.apiserver.k8s.io", &[]),
    ("node.k8s.io", &["runtimeclasses"]),
    ("resource.k8s.io", &["deviceclasses", "resourceslices"]),
    ("scheduling.k8s.io", &["priorityclasses"]),
    ("storagemigration.k8s.io", &[]),
    ("extensions", &[]),
];

/// Returns whether kube-apiserver serves the group itself. The core group has no name.
pub fn is_built_in(group: &str) -> bool {
    BUILT_IN.iter().any(|(name, _)| *name == group)
}

/// Returns whether this resource of a built-in group belongs to no namespace.
pub fn is_cluster_scoped(group: &str, resource: &str) -> bool {
    let mut groups = BUILT_IN.iter().filter(|(name, _)| *name == group);
    groups.any(|(_, cluster_scoped)| cluster_scoped.contains(&resource))
}

/// Returns where a group stands among those that have a resource of the same name: the
/// smallest one is meant.
pub fn precedence(group: &str) -> (usize, &str) {
    match BUILT_IN.iter().position(|(name, _)| *name == group) {
        Some(place) => (place, ""),
        None => (BUILT_IN.len(), group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_own_groups_come_before_all_others() {
        let mut groups = [
            "b.example",
            "extensions",
            "metrics.k8s.io",
            "apps",
            "",
            "a.example",
        ];
        groups.sort_by_key(|group| precedence(group));
        let expected = [
            "",
            "apps",
            "extensions",
            "a.example",
            "b.example",
            "metrics.k8s.io",
        ];
        assert_eq!(groups, expected);
        assert_eq!(
            groups.map(is_built_in),
            [true, true, true, false, false, false]
        );
    }

    #[test]
    fn no_group_stands_there_twice() {
        for (place, (group, _)) in BUILT_IN.iter().enumerate() {
            assert_eq!(precedence(group), (place, ""), "{group}");
        }
    }

    #[test]
    fn what_belongs_to_no_namespace_is_told_by_group_and_resource() {
        assert!(is_cluster_scoped("", "nodes"));
        assert!(is_cluster_scoped("storage.k8s.io", "storageclasses"));
        assert!(!is_cluster_scoped("", "pods"));
        assert!(!is_cluster_scoped("apps", "nodes"));
        assert!(!is_cluster_scoped("metrics.k8s.io", "nodes"));
    }
}
