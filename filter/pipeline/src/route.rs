//! Step 2, route: a path becomes a [`Target`].
//!
//! | path | where |
//! |---|---|
//! | `/api/v1/cube/proxy/clusters/{c}/…` | cluster c (KubeCube) |
//! | `/clusters/{c}/…` | cluster c |
//! | `/api/clusters/{c}/…`, `/apis/clusters/{c}/…`, `/kapis/clusters/{c}/…` | cluster c, the two segments taken out (KubeSphere's older form) |
//! | `/api…`, `/apis…`, `/version`, `/openapi/v2`, `/openapi/v3`, `/kapis/resources.kubesphere.io/…` | the host cluster; its list of `clusters` may be the control plane's ([`kubesphere::is_for_own_clusters`]) |
//! | all else, `/api/v1/cube/…` and `/api/v1/warden/…` among it | the control plane |

use std::borrow::Cow;

use cubegate_kube::{Family, is_below};
use percent_encoding::percent_decode_str;

use crate::RequestHead;
use crate::kubesphere;

/// The prefix of KubeCube's proxy paths.
const CUBE_PROXY: &str = "/api/v1/cube/proxy/clusters/";

/// What follows is a cluster's name and a path there; behind a root (below) too.
const CLUSTERS: &str = "/clusters/";

/// The roots of APIs.
const ROOTS: [&str; 3] = ["/api", "/apis", "/kapis"];

/// What the host cluster tells of itself. KubeSphere tells it to everybody, so
/// without a credential the control plane answers for the gateway itself.
const PUBLIC: [&str; 3] = ["/version", "/openapi/v2", "/openapi/v3"];

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
    /// The cluster's name, decoded; only ever looked up. `None` is the host cluster.
    pub(crate) cluster: Option<Cow<'a, str>>,
    /// The path at the cluster, still encoded, beginning with `/`. Below `/kapis`
    /// it is none of the API server's yet.
    pub(crate) path: Cow<'a, str>,
}

/// Says where a path goes.
pub(crate) fn route(head: &RequestHead) -> Target<'_> {
    let path = head.path.as_str();
    let found = if let Some(rest) = path.strip_prefix(CUBE_PROXY) {
        named(rest).map(|(cluster, path)| MemberTarget {
            family: Family::KubeCube,
            cluster: Some(cluster),
            path: path.into(),
        })
    } else if Family::of_path(path) == Family::KubeCube {
        // The control plane's own, which look like a Kubernetes API's.
        None
    } else if let Some(rest) = path.strip_prefix(CLUSTERS) {
        named(rest).map(|(cluster, path)| MemberTarget::at(Some(cluster), path))
    } else if let Some(root) = ROOTS.into_iter().find(|root| is_below(path, root)) {
        MemberTarget::below(root, path)
    } else if is_public(path) {
        Some(MemberTarget::at(None, path))
    } else {
        None
    };
    found.map_or(Target::ControlPlane, Target::Member)
}

/// `{cluster}/{path}`; `None` if it is not so.
fn named(rest: &str) -> Option<(Cow<'_, str>, &str)> {
    let slash = rest.find('/').filter(|slash| *slash > 0)?;
    let (cluster, path) = rest.split_at_checked(slash)?;
    Some((percent_decode_str(cluster).decode_utf8_lossy(), path))
}

fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|public| is_below(path, public))
}

// === impl MemberTarget ===

impl<'a> MemberTarget<'a> {
    /// A path that is not of KubeCube's form.
    fn at(cluster: Option<Cow<'a, str>>, path: impl Into<Cow<'a, str>>) -> Self {
        let path = path.into();
        let family = if is_below(&path, kubesphere::ROOT) {
            Family::KubeSphere
        } else {
            Family::Kubernetes
        };
        Self {
            family,
            cluster,
            path,
        }
    }

    /// A path below one of the roots, with a cluster in it or without one.
    fn below(root: &str, path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix(root)?;
        match rest.strip_prefix(CLUSTERS).and_then(named) {
            Some((cluster, path)) => Some(Self::at(Some(cluster), format!("{root}{path}"))),
            // The others of KubeSphere's own APIs are the control plane's to refuse.
            None if root == kubesphere::ROOT && !is_below(path, kubesphere::GROUP) => None,
            None => Some(Self::at(None, path)),
        }
    }

    /// Returns whether the gateway tells everybody something of its own there.
    pub(crate) fn is_public(&self) -> bool {
        self.cluster.is_none() && is_public(&self.path)
    }

    /// Returns whether it is one of KubeSphere's own APIs.
    pub(crate) fn is_kubesphere(&self) -> bool {
        is_below(&self.path, kubesphere::ROOT)
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
                target
                    .cluster
                    .map_or_else(|| "(host)".to_owned(), Cow::into_owned),
                target.path.into_owned(),
            )),
            Target::ControlPlane => None,
        }
    }

    #[test]
    fn kubecube_paths_name_the_cluster_and_the_rest_is_upstream() {
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods"),
            Some((
                Family::KubeCube,
                "pivot-cluster".into(),
                "/api/v1/pods".into()
            ))
        );
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/pivot%2Dcluster/"),
            Some((Family::KubeCube, "pivot-cluster".into(), "/".into()))
        );
        assert_eq!(
            member("/api/v1/cube/proxy/clusters/a%25bc/api"),
            Some((Family::KubeCube, "a%bc".into(), "/api".into()))
        );
    }

    #[test]
    fn kubernetes_style_paths_do_too() {
        assert_eq!(
            member("/clusters/member-1/apis/apps/v1/deployments"),
            Some((
                Family::Kubernetes,
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
            "/api/v1/warden/authenticate",
            "/clusters/x",
            "/clustersx/y/z",
            "/API/v1/cube/proxy/clusters/x/api",
            "/apix",
            "/kapis",
            "/kapis/version",
            "/kapis/clusters/x",
            "/kapis/iam.kubesphere.io/v1alpha2/users",
            "/versions",
            "/openapi.json",
            "/oauth/token",
        ] {
            assert_eq!(member(path), None, "{path}");
        }
    }

    #[test]
    fn a_cluster_may_stand_behind_the_root_too() {
        for (path, cluster, upstream) in [
            (
                "/api/clusters/member-1/v1/nodes",
                "member-1",
                "/api/v1/nodes",
            ),
            ("/apis/clusters/a%2Eb/apps/v1/x", "a.b", "/apis/apps/v1/x"),
            (
                "/kapis/clusters/member-1/resources.kubesphere.io/v1alpha3/nodes",
                "member-1",
                "/kapis/resources.kubesphere.io/v1alpha3/nodes",
            ),
        ] {
            let family = Family::of_path(upstream);
            let expected = (family, cluster.into(), upstream.into());
            assert_eq!(member(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn without_a_cluster_the_host_is_meant() {
        for path in [
            "/api",
            "/api/",
            "/api/v1/nodes",
            "/api/v1/cubes",
            "/api/clusters/x",
            "/apis",
            "/apis/apps/v1/deployments",
            "/kapis/resources.kubesphere.io/v1alpha3/nodes",
            "/version",
            "/openapi/v2",
            "/openapi/v3/apis/apps/v1",
        ] {
            let expected = (Family::of_path(path), "(host)".into(), path.into());
            assert_eq!(member(path), Some(expected), "{path}");
        }
    }
}
