//! What a path says about the list behind it.

use crate::{RequestInfo, ResourceInfo, groups};

/// The path of a list of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPath {
    /// `/api/v1` or `/apis/{group}/{version}`.
    root: String,
    /// What a GET there asks.
    info: ResourceInfo,
}

// === impl ListPath ===

impl ListPath {
    /// Reads a path at the API server. `None`: it is not the path of a list, or
    /// not written plainly.
    pub fn parse(path: &str) -> Option<Self> {
        let Ok(RequestInfo::Resource(info)) = RequestInfo::of("GET", path, None) else {
            return None;
        };
        let root = match info.group.as_str() {
            "" => format!("/api/{}", info.version),
            group => format!("/apis/{group}/{}", info.version),
        };
        let is_list = info.verb == "list" && !path.contains('%');
        let this = Self { root, info };
        (is_list && this.whole() == path).then_some(this)
    }

    /// Returns whether kube-apiserver serves it itself.
    pub fn is_built_in(&self) -> bool {
        groups::is_built_in(&self.info.group)
    }

    /// Returns whether the server's own order, that of its storage, is the order of names.
    /// A list of all namespaces is ordered by namespace first.
    pub fn is_ordered_by_name(&self) -> bool {
        let ResourceInfo {
            group, resource, ..
        } = &self.info;
        self.is_built_in()
            && (self.namespace().is_some() || groups::is_cluster_scoped(group, resource))
    }

    /// Returns the namespace that the path names.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.info.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    /// Returns the path itself.
    pub fn whole(&self) -> String {
        self.in_namespace(&self.info.namespace)
    }

    /// Returns the list that holds an object of this namespace (empty for none).
    pub fn in_namespace(&self, namespace: &str) -> String {
        let Self { root, info } = self;
        let resource = &info.resource;
        match namespace {
            "" => format!("{root}/{resource}"),
            namespace => format!("{root}/namespaces/{namespace}/{resource}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_one_resource_has_a_path() {
        for (path, namespace, is_built_in, is_ordered) in [
            ("/api/v1/pods", None, true, false),
            ("/api/v1/namespaces/a/pods", Some("a"), true, true),
            ("/api/v1/namespaces", None, true, true),
            ("/api/v1/nodes", None, true, true),
            ("/apis/apps/v1/deployments", None, true, false),
            ("/apis/storage.k8s.io/v1/storageclasses", None, true, true),
            (
                "/apis/a.example/v1/namespaces/a/things",
                Some("a"),
                false,
                false,
            ),
        ] {
            let list = ListPath::parse(path).unwrap();
            assert_eq!(list.whole(), path);
            assert_eq!(list.namespace(), namespace, "{path}");
            assert_eq!(list.is_built_in(), is_built_in, "{path}");
            assert_eq!(list.is_ordered_by_name(), is_ordered, "{path}");
        }
    }

    #[test]
    fn what_is_no_list_or_not_written_plainly_has_none() {
        for path in [
            "/",
            "/version",
            "/api/v1",
            "/api/v1/",
            "/api/v1/pods/",
            "//api/v1/pods",
            "/api/v1//pods",
            "/api/v1/%70ods",
            "/api/v1/pods%",
            "/api/v1/pods/p",
            "/api/v1/watch",
            "/api/v1/watch/pods",
            "/api/v1/namespaces/a",
            "/api/v1/namespaces/a/status",
            "/api/v1/namespaces//pods",
            "/api/v1/namespaces/a/pods/p",
            "/apis/apps/v1",
            "/apis//v1/deployments",
        ] {
            assert_eq!(ListPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn an_objects_own_list_is_that_of_its_namespace() {
        let all = ListPath::parse("/apis/apps/v1/deployments").unwrap();
        let in_namespace = "/apis/apps/v1/namespaces/b/deployments";
        assert_eq!(all.in_namespace("b"), in_namespace);
        let one = ListPath::parse("/api/v1/namespaces/a/pods").unwrap();
        assert_eq!(one.in_namespace("a"), "/api/v1/namespaces/a/pods");
        let nodes = ListPath::parse("/api/v1/nodes").unwrap();
        assert_eq!(nodes.in_namespace(""), "/api/v1/nodes");
    }
}
