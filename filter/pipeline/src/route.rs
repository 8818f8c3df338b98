//! Step 2, route: a path becomes a [`Target`].

use std::borrow::Cow;

use cubegate_filter_config::Class;
use percent_encoding::percent_decode_str;

use crate::RequestHead;
use crate::reply::Family;

/// The prefix of KubeCube's proxy paths.
const CUBE_PROXY: &str = "/api/v1/cube/proxy/clusters/";

/// The prefix of KubeSphere-style paths.
const CLUSTERS: &str = "/clusters/";

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// To the control plane, which authenticates by itself.
    ControlPlane,
    /// To the API server of a member cluster.
    Member(MemberTarget<'a>),
}

/// A path below a member cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberTarget<'a> {
    /// Whose paths these are.
    pub(crate) family: Family,
    /// The cluster's name, decoded; only ever looked up.
    pub(crate) cluster: Cow<'a, str>,
    /// The path at the API server, still encoded, beginning with `/`.
    pub(crate) path: &'a str,
}

/// Says where a path goes.
pub(crate) fn route(head: &RequestHead) -> Target<'_> {
    let member = |family, rest: &'_ str| -> Option<(Family, usize)> {
        let slash = rest.find('/')?;
        (slash > 0).then_some((family, slash))
    };
    let path = head.path.as_str();
    let found = if let Some(rest) = path.strip_prefix(CUBE_PROXY) {
        member(Family::Cube, rest).map(|(family, slash)| (family, rest, slash))
    } else if let Some(rest) = path.strip_prefix(CLUSTERS) {
        member(Family::Kube, rest).map(|(family, slash)| (family, rest, slash))
    } else {
        None
    };
    let Some((family, (cluster, upstream))) =
        found.and_then(|(family, rest, slash)| Some((family, rest.split_at_checked(slash)?)))
    else {
        return Target::ControlPlane;
    };
    Target::Member(MemberTarget {
        family,
        cluster: percent_decode_str(cluster).decode_utf8_lossy(),
        path: upstream,
    })
}

// === impl MemberTarget ===

impl MemberTarget<'_> {
    /// Which timeouts the request gets. `streaming` is what its query says.
    pub(crate) fn class(&self, streaming: bool, upgrade: bool) -> Class {
        // Sub-resources that are streams by nature; a namespace or an object of
        // the same name only gets the longer timeouts, which harms nobody.
        let stream_segment = |segment: &str| {
            matches!(
                segment,
                "watch" | "exec" | "attach" | "portforward" | "proxy"
            )
        };
        if streaming || upgrade || self.path.split('/').skip(3).any(stream_segment) {
            Class::Stream
        } else {
            Class::Unary
        }
    }

    /// Whether this is one of the legacy watch paths, `/api/v1/watch/…` and
    /// `/apis/{group}/{version}/watch/…`, which stream without a query parameter.
    pub(crate) fn is_legacy_watch(&self) -> bool {
        let mut segments = self.path.split('/').skip(1);
        match segments.next() {
            Some("api") => segments.nth(1) == Some("watch"),
            Some("apis") => segments.nth(2) == Some("watch"),
            _ => false,
        }
    }

    /// `…/services/{name}/proxy/…` and the like: the answer is an application's
    /// own, and so are parameters that are called like those of a list.
    pub(crate) fn is_proxy_subresource(&self) -> bool {
        let segments: Vec<&str> = self.path.split('/').collect();
        segments
            .windows(3)
            .any(|window| matches!(window, ["services" | "pods" | "nodes", _, "proxy"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(path: &str) -> RequestHead {
        RequestHead {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: None,
        }
    }

    fn member(path: &str) -> Option<(Family, String, String)> {
        match route(&head(path)) {
            Target::Member(target) => Some((
                target.family,
                target.cluster.into_owned(),
                target.path.to_owned(),
            )),
            Target::ControlPlane => None,
        }
    }

    #[test]
    fn kubecube_paths_name_the_cluster_and_the_rest_is_upstream() {
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods"),
            Some((Family::Cube, "pivot-cluster".into(), "/api/v1/pods".into()))
        );
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/pivot%2Dcluster/"),
            Some((Family::Cube, "pivot-cluster".into(), "/".into()))
        );
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/a%25bc/api"),
            Some((Family::Cube, "a%bc".into(), "/api".into()))
        );
    }

    #[test]
    fn kubernetes_style_paths_do_too() {
        assert_eq!(
            member("/clusters/member-1/apis/apps/v1/deployments"),
            Some((
                Family::Kube,
                "member-1".into(),
                "/apis/apps/v1/deployments".into()
            ))
        );
    }

    #[test]
    fn everything_else_is_the_control_planes() {
        for path in [
            "/",
            "/api/v1/cube/login",
            "/api/v1/cube/proxy/clusters/pivot-cluster",
            "/api/v1/cube/proxy/clusters//api",
            "/clusters/x",
            "/clustersx/y/z",
            "/API/v1/cube/proxy/clusters/x/api",
        ] {
            assert_eq!(member(path), None, "{path}");
        }
    }

    fn target(path: &str) -> MemberTarget<'_> {
        MemberTarget {
            family: Family::Kube,
            cluster: "c".into(),
            path,
        }
    }

    #[test]
    fn streams_are_told_by_query_upgrade_and_sub_resource() {
        let pods = target("/api/v1/namespaces/a/pods");
        assert_eq!(pods.class(false, false), Class::Unary);
        assert_eq!(pods.class(true, false), Class::Stream);
        assert_eq!(pods.class(false, true), Class::Stream);
        assert_eq!(
            target("/api/v1/namespaces/a/pods/p/exec").class(false, false),
            Class::Stream
        );
        assert!(target("/api/v1/watch/pods").is_legacy_watch());
        assert!(target("/apis/apps/v1/watch/deployments").is_legacy_watch());
        assert!(!target("/api/v1/namespaces/watch/pods").is_legacy_watch());
    }

    #[test]
    fn the_way_to_an_application_is_told_by_its_place() {
        let proxied = "/api/v1/namespaces/a/services/http:web:80/proxy/items";
        assert!(target(proxied).is_proxy_subresource());
        assert!(target("/api/v1/nodes/n/proxy").is_proxy_subresource());
        assert!(!target("/api/v1/namespaces/proxy/pods").is_proxy_subresource());
        assert!(!target("/api/v1/namespaces/a/services/proxy").is_proxy_subresource());
    }
}
