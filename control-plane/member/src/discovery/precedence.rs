//! Which group is meant by a name that several have.

use super::Version;

/// The groups of Kubernetes itself; the core has no name. Not everything that ends in
/// `k8s.io` is: `metrics.k8s.io` has `pods` and `nodes`, too. `extensions` is last,
/// since what it still has is in another group under the same name.
const BUILT_IN: [&str; 24] = [
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "admissionregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "node.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storagemigration.k8s.io",
    "extensions",
];

/// Puts versions into the order in which their groups are meant. Those of a group stay
/// as they are, in the cluster's order of preference.
pub(super) fn sort<T>(versions: &mut [T], version: impl Fn(&T) -> &Version) {
    versions.sort_by(|a, b| of(&version(a).group).cmp(&of(&version(b).group)));
}

/// Where a group stands: the smaller one is meant.
fn of(group: &str) -> (usize, &str) {
    match BUILT_IN.iter().position(|built_in| *built_in == group) {
        Some(place) => (place, ""),
        None => (BUILT_IN.len(), group),
    }
}
