//! The kinds that a cluster has, and how one of them is named.

use cubegate_filter_config::{ResourceEntry, Resources};

/// What most readers look for.
const COMMON: [&str; 12] = [
    "pods.v1",
    "deployments.v1.apps",
    "statefulsets.v1.apps",
    "daemonsets.v1.apps",
    "jobs.v1.batch",
    "services.v1",
    "configmaps.v1",
    "secrets.v1",
    "persistentvolumeclaims.v1",
    "nodes.v1",
    "namespaces.v1",
    "events.v1",
];

/// A kind of a cluster, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// `deployments.v1.apps`, as `kubectl get` takes it.
    pub(super) name: String,
    /// `Deployment`.
    pub(super) kind: String,
    /// `apps`; empty for the core group.
    pub(super) group: String,
    /// `/apis/apps/v1`.
    root: String,
    /// `deployments`.
    plural: String,
    /// Whether its objects are in namespaces.
    pub(super) namespaced: bool,
}

// === impl Kind ===

impl Kind {
    fn of(plural: &str, entry: &ResourceEntry) -> Self {
        let mut parts = entry.path.rsplit('/');
        let version = parts.next().unwrap_or_default();
        let group = match entry.path.strip_prefix("/apis/") {
            Some(_) => parts.next().unwrap_or_default(),
            None => "",
        };
        let dot = if group.is_empty() { "" } else { "." };
        Self {
            name: format!("{plural}.{version}{dot}{group}"),
            kind: entry.kind.clone(),
            group: group.to_owned(),
            root: entry.path.clone(),
            plural: plural.to_owned(),
            namespaced: entry.namespaced,
        }
    }

    /// Returns all kinds of a cluster: the common ones first, then by group and name.
    pub(super) fn all(resources: &Resources) -> Vec<Self> {
        let mut all: Vec<_> = resources
            .iter()
            .flat_map(|(plural, entries)| entries.iter().map(|entry| Self::of(plural, entry)))
            .collect();
        all.sort_by_key(|kind| (kind.rank(), kind.group.clone(), kind.name.clone()));
        all
    }

    /// Returns whether most readers look for it.
    pub(super) fn is_common(&self) -> bool {
        self.rank() < COMMON.len()
    }

    fn rank(&self) -> usize {
        let place = COMMON.iter().position(|name| *name == self.name);
        place.unwrap_or(COMMON.len())
    }

    /// Returns the path of its list at the API server, of one namespace if one is named.
    pub(super) fn path(&self, namespace: &str) -> String {
        let (root, plural) = (&self.root, &self.plural);
        if self.namespaced && !namespace.is_empty() {
            let namespace = crate::link::segment(namespace);
            format!("{root}/namespaces/{namespace}/{plural}")
        } else {
            format!("{root}/{plural}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> Resources {
        let entry = |path: &str, kind: &str, namespaced| ResourceEntry {
            path: path.to_owned(),
            kind: kind.to_owned(),
            namespaced,
        };
        let mut resources = Resources::new();
        resources.insert("pods".to_owned(), vec![entry("/api/v1", "Pod", true)]);
        resources.insert("nodes".to_owned(), vec![entry("/api/v1", "Node", false)]);
        resources.insert(
            "ingresses".to_owned(),
            vec![
                entry("/apis/networking.k8s.io/v1", "Ingress", true),
                entry("/apis/extensions/v1beta1", "Ingress", true),
            ],
        );
        resources
    }

    #[test]
    fn kinds_are_named_as_kubectl_names_them_the_common_ones_first() {
        let kinds = Kind::all(&resources());
        let names: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "pods.v1",
                "nodes.v1",
                "ingresses.v1beta1.extensions",
                "ingresses.v1.networking.k8s.io"
            ]
        );
        assert!(kinds[0].is_common() && !kinds[2].is_common());
    }

    #[test]
    fn a_namespace_leads_only_to_what_is_in_namespaces() {
        let kinds = Kind::all(&resources());
        assert_eq!(kinds[0].path("a"), "/api/v1/namespaces/a/pods");
        assert_eq!(
            kinds[0].path("a/../b"),
            "/api/v1/namespaces/a%2F%2E%2E%2Fb/pods"
        );
        assert_eq!(kinds[0].path(""), "/api/v1/pods");
        assert_eq!(kinds[1].path("a"), "/api/v1/nodes");
    }
}
