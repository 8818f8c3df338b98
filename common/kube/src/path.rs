//! What a path at an API server says of the answer behind it.

use crate::request_info::{Ambiguous, RequestInfo, WATCH};
use crate::{groups, query};

/// The verb of what is read by its name.
const GET: &str = "get";

/// The verbs that the API server counts as long-running, and so does not time out;
/// these and the sub-resources are what kube-apiserver gives
/// `BasicLongRunningRequestCheck` (`k8s.io/apiserver/pkg/server/filters`).
const LONG_RUNNING_VERBS: [&str; 2] = ["watch", "proxy"];

/// The sub-resources that it counts so, whatever the verb is. A log is one whether it
/// is followed or not: it may be as long as its pod is old.
const LONG_RUNNING_SUBRESOURCES: [&str; 5] = ["attach", "exec", "proxy", "log", "portforward"];

/// Where an API server answers, and what aggregated ones add stands below `/apis`:
/// the APIs and their description, version, health and metrics, and what verifies
/// tokens of service accounts. Left out are its list of paths (`/`), the files of its
/// machine (`/logs`) and the pages of its own process (`/debug`, `/statusz`, `/flagz`),
/// which other servers have as well.
pub const API_SERVER_PATHS: [&str; 10] = [
    "/api",
    "/apis",
    "/version",
    "/openapi",
    "/healthz",
    "/livez",
    "/readyz",
    "/metrics",
    "/.well-known/openid-configuration",
    "/openid/v1/jwks",
];

/// A path at an API server, still encoded, beginning with `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiPath<'a>(pub &'a str);

/// Returns whether the path is `root` or one below it.
pub fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

// === impl ApiPath ===

impl ApiPath<'_> {
    /// Returns whether the API server takes the request for one that goes on for long, which
    /// it does not time out, or may do so.
    pub fn is_long_running(self, method: &str, query: Option<&str>) -> bool {
        if !self.may_be_long_running(query) {
            return false;
        }
        match RequestInfo::of(method, self.0, query) {
            Ok(RequestInfo::Resource(info)) => {
                LONG_RUNNING_VERBS.contains(&info.verb)
                    || LONG_RUNNING_SUBRESOURCES.contains(&info.subresource.as_str())
            }
            Ok(RequestInfo::NonResource { .. }) => false,
            // Whichever way it is read, it must not be cut.
            Err(Ambiguous(_)) => self.has_long_running_segment(),
        }
    }

    /// Most requests are none, and are told by the words that are not in them.
    fn may_be_long_running(self, query: Option<&str>) -> bool {
        let may_watch = query.is_some_and(|query| query.contains(WATCH) || query.contains('%'));
        may_watch || self.0.contains('%') || self.has_long_running_segment()
    }

    fn has_long_running_segment(self) -> bool {
        self.segments_behind_a_version().any(|segment| {
            LONG_RUNNING_VERBS.contains(&segment) || LONG_RUNNING_SUBRESOURCES.contains(&segment)
        })
    }

    /// Returns whether the API server will, or may, take the request for a watch of a
    /// collection.
    pub fn is_watch(self, method: &str, query: Option<&str>) -> bool {
        match RequestInfo::of(method, self.0, query) {
            Ok(RequestInfo::Resource(info)) => info.verb == WATCH,
            Ok(RequestInfo::NonResource { .. }) => false,
            Err(Ambiguous(_)) => {
                self.segments_behind_a_version()
                    .any(|segment| segment == WATCH)
                    || query.is_some_and(may_watch)
            }
        }
    }

    fn segments_behind_a_version(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(3)
    }

    /// Returns whether an API server has such a path. What stands for one and is another
    /// server has none of these, or nothing behind them.
    pub fn is_of_api_server(self) -> bool {
        API_SERVER_PATHS.iter().any(|root| is_below(self.0, root))
    }

    /// Returns whether a GET there is answered with one object of Kubernetes' own, and never with a
    /// list. What aggregated servers and custom resources have behind a name is theirs to say:
    /// `custom.metrics.k8s.io` has lists there.
    pub fn is_built_in_object(self) -> bool {
        let Ok(RequestInfo::Resource(info)) = RequestInfo::of("GET", self.0, None) else {
            return false;
        };
        info.verb == GET
            && !info.name.is_empty()
            && info.subresource.is_empty()
            && groups::is_built_in(&info.group)
    }

    /// Returns whether this is one of the legacy watch paths, `/api/v1/watch/…` and
    /// `/apis/{group}/{version}/watch/…`, which stream without a query parameter.
    pub fn is_legacy_watch(self) -> bool {
        let mut segments = self.0.split('/').skip(1);
        match segments.next() {
            Some("api") => segments.nth(1) == Some(WATCH),
            Some("apis") => segments.nth(2) == Some(WATCH),
            _ => false,
        }
    }

    /// Returns whether it is `…/services/{name}/proxy/…` or the like: the answer is an
    /// application's own, and so are parameters that are called like those of a list.
    pub fn is_proxy_subresource(self) -> bool {
        let segments = self.0.split('/');
        let third = segments.clone().skip(2);
        segments
            .zip(third)
            .any(|pair| matches!(pair, ("services" | "pods" | "nodes", "proxy")))
    }
}

/// Returns whether some server may take a query for that of a watch, whichever way it reads a `;`.
fn may_watch(query: &str) -> bool {
    query
        .split(';')
        .flat_map(query::pairs)
        .any(|(name, value)| name == WATCH && query::is_true(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_kubernetes_own_is_no_list() {
        for path in [
            "/api/v1/namespaces/a/pods/p",
            "/api/v1/namespaces/a",
            "/api/v1/nodes/n",
            "/apis/apps/v1/namespaces/a/deployments/d",
            "/apis/storage.k8s.io/v1/storageclasses/s",
        ] {
            assert!(ApiPath(path).is_built_in_object(), "{path}");
        }
        for path in [
            "/api/v1/pods",
            "/api/v1/namespaces/a/pods",
            "/api/v1/namespaces/a/pods/p/log",
            "/api/v1/watch/namespaces/a/pods/p",
            "/apis/a.example/v1/namespaces/a/things/t",
            "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods/p",
            "/apis/custom.metrics.k8s.io/v1beta1/namespaces/a/pods/p",
            "/apis/apps/v1",
            "/version",
            "/",
        ] {
            assert!(!ApiPath(path).is_built_in_object(), "{path}");
        }
    }

    #[test]
    fn what_goes_on_for_long_is_told_by_verb_and_sub_resource() {
        let is_long_running = |path| ApiPath(path).is_long_running("GET", None);
        for long in [
            "/api/v1/namespaces/a/pods/p/exec",
            "/api/v1/namespaces/a/pods/p/attach",
            "/api/v1/namespaces/a/pods/p/log",
            "/api/v1/namespaces/a/pods/p/portforward",
            "/api/v1/namespaces/a/services/s/proxy/log/in",
            "/api/v1/nodes/n/proxy/stats",
            "/api/v1/watch/pods",
            "/apis/apps/v1/watch/namespaces/a/deployments",
            "/api/v1/proxy/nodes/n",
            // It can be read in two ways.
            "/api/v1/namespaces//pods/p/log",
        ] {
            assert!(is_long_running(long), "{long}");
        }
        for short in [
            "/api/v1/namespaces/a/pods",
            "/api/v1/namespaces/log/pods",
            "/api/v1/namespaces/a/configmaps/proxy",
            "/api/v1/namespaces/a/pods/log",
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "/version",
        ] {
            assert!(!is_long_running(short), "{short}");
        }
    }

    #[test]
    fn a_watch_is_told_by_path_and_query() {
        for (path, query, is_watch) in [
            ("/api/v1/pods", "watch", true),
            ("/api/v1/pods", "watch=0", false),
            ("/api/v1/watch/pods", "", true),
            ("/api/v1/namespaces/a/pods/p", "watch=1", false),
            ("/version", "watch=1", false),
            ("/api/v1/pods", "a=b;watch=1", true),
            ("/api/v1/pods", "a=b;watch=0", false),
            ("/api/v1//pods", "watch=1", true),
            ("/api/v1//watch/pods", "", true),
        ] {
            let found = ApiPath(path).is_watch("GET", Some(query));
            assert_eq!(found, is_watch, "{path}?{query}");
        }
        assert!(ApiPath("/api/v1/watch/pods").is_legacy_watch());
        assert!(ApiPath("/apis/apps/v1/watch/deployments").is_legacy_watch());
        assert!(!ApiPath("/api/v1/namespaces/watch/pods").is_legacy_watch());
    }

    #[test]
    fn what_an_api_server_has_is_told_by_its_beginning() {
        for path in [
            "/api",
            "/api/",
            "/api/v1/nodes/n/proxy/stats",
            "/apis/example.org/v1/things",
            "/version",
            "/openapi/v3/apis/apps/v1",
            "/healthz/etcd",
            "/livez",
            "/readyz/",
            "/metrics/slis",
            "/.well-known/openid-configuration",
            "/openid/v1/jwks",
        ] {
            assert!(ApiPath(path).is_of_api_server(), "{path}");
        }
        for path in [
            "/",
            "/config_dump",
            "/quitquitquit",
            "/apix",
            "/API",
            "/ap%69/v1",
            "/latest/meta-data",
            "/.well-known/security.txt",
            "/openid",
            "/debug/pprof/heap",
            "/logs/",
            "/metricsz",
        ] {
            assert!(!ApiPath(path).is_of_api_server(), "{path}");
        }
    }

    #[test]
    fn the_way_to_an_application_is_told_by_its_place() {
        let proxied = "/api/v1/namespaces/a/services/http:web:80/proxy/items";
        assert!(ApiPath(proxied).is_proxy_subresource());
        assert!(ApiPath("/api/v1/nodes/n/proxy").is_proxy_subresource());
        assert!(!ApiPath("/api/v1/namespaces/proxy/pods").is_proxy_subresource());
        assert!(!ApiPath("/api/v1/namespaces/a/services/proxy").is_proxy_subresource());
    }
}
