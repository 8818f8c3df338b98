//! What a path at an API server says of the answer behind it.

use cubegate_filter_config::Class;

use percent_encoding::percent_decode_str;

use crate::RequestHead;
use crate::attributes::{self, Ambiguous, Attributes, Resource};

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
pub(crate) const API_SERVER_PATHS: [&str; 10] = [
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

/// What other servers have that steer a proxy (Envoy's admin page) or tell a machine who
/// it is (metadata of clouds), by the first segment. A server that stands for an API
/// server gets every path by KubeCube's form, but for these.
const OF_OTHER_SERVERS: [&str; 31] = [
    "certs",
    "clusters",
    "computeMetadata",
    "config_dump",
    "contention",
    "cpuprofiler",
    "debug",
    "drain_listeners",
    "healthcheck",
    "heap_dump",
    "heapprofiler",
    "hot_restart_version",
    "hystrix_event_stream",
    "init_dump",
    "latest",
    "listeners",
    "logging",
    "memory",
    "metadata",
    "opc",
    "openstack",
    "quitquitquit",
    "ready",
    "reopen_logs",
    "reset_counters",
    "runtime",
    "runtime_modify",
    "server_info",
    "stats",
    "stats_recentlookups",
    "tap",
];

/// A path at an API server, still encoded, beginning with `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpstreamPath<'a>(pub(crate) &'a str);

// === impl UpstreamPath ===

impl UpstreamPath<'_> {
    /// Which timeouts the request gets: none, where the API server itself has none
    /// ([`LONG_RUNNING_VERBS`], [`LONG_RUNNING_SUBRESOURCES`]). `streaming` is what the
    /// query says, of an object, too.
    pub(crate) fn class(self, head: &RequestHead, streaming: bool, upgrade: bool) -> Class {
        let is_long_running = || match Attributes::of(&head.method, self.0, head.query.as_deref()) {
            Ok(Attributes::Resource(Resource {
                verb, subresource, ..
            })) => {
                LONG_RUNNING_VERBS.contains(&verb)
                    || LONG_RUNNING_SUBRESOURCES.contains(&subresource.as_str())
            }
            Ok(Attributes::NonResource { .. }) => false,
            // Whichever way it is read, it must not be cut.
            Err(Ambiguous) => self.0.split('/').skip(3).any(|segment| {
                LONG_RUNNING_VERBS.contains(&segment)
                    || LONG_RUNNING_SUBRESOURCES.contains(&segment)
            }),
        };
        if streaming || upgrade || is_long_running() {
            Class::Stream
        } else {
            Class::Unary
        }
    }

    /// Whether the API server will, or may, take the request for a watch of a collection.
    pub(crate) fn is_watch(self, head: &RequestHead) -> bool {
        let query = head.query.as_deref();
        match Attributes::of(&head.method, self.0, query) {
            Ok(Attributes::Resource(resource)) => resource.verb == "watch",
            Ok(Attributes::NonResource { .. }) => false,
            Err(Ambiguous) => {
                self.0.split('/').skip(3).any(|segment| segment == "watch")
                    || query.is_some_and(attributes::may_watch)
            }
        }
    }

    /// Whether an API server has such a path. What stands for one and is another
    /// server has none of these, or nothing behind them.
    pub(crate) fn is_of_api_server(self) -> bool {
        API_SERVER_PATHS.iter().any(|known| {
            let below = self.0.strip_prefix(known);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// Whether it is one of another server's that steers or tells more than it should.
    pub(crate) fn is_of_other_server(self) -> bool {
        let first = self.0.split('/').find(|segment| !segment.is_empty());
        first.is_none_or(|first| {
            let first = percent_decode_str(first).decode_utf8_lossy();
            OF_OTHER_SERVERS.contains(&&*first)
        })
    }

    /// Whether this is one of the legacy watch paths, `/api/v1/watch/…` and
    /// `/apis/{group}/{version}/watch/…`, which stream without a query parameter.
    pub(crate) fn is_legacy_watch(self) -> bool {
        let mut segments = self.0.split('/').skip(1);
        match segments.next() {
            Some("api") => segments.nth(1) == Some("watch"),
            Some("apis") => segments.nth(2) == Some("watch"),
            _ => false,
        }
    }

    /// `…/services/{name}/proxy/…` and the like: the answer is an application's
    /// own, and so are parameters that are called like those of a list.
    pub(crate) fn is_proxy_subresource(self) -> bool {
        let segments: Vec<&str> = self.0.split('/').collect();
        segments
            .windows(3)
            .any(|window| matches!(window, ["services" | "pods" | "nodes", _, "proxy"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_by_query_upgrade_and_sub_resource() {
        let class = |path: &str, streaming: bool, upgrade: bool| {
            let head = RequestHead {
                method: "GET".to_owned(),
                path: path.to_owned(),
                query: None,
            };
            UpstreamPath(path).class(&head, streaming, upgrade)
        };
        const PODS: &str = "/api/v1/namespaces/a/pods";
        assert_eq!(class(PODS, false, false), Class::Unary);
        assert_eq!(class(PODS, true, false), Class::Stream);
        assert_eq!(class(PODS, false, true), Class::Stream);
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
            assert_eq!(class(long, false, false), Class::Stream, "{long}");
        }
        for short in [
            "/api/v1/namespaces/log/pods",
            "/api/v1/namespaces/a/configmaps/proxy",
            "/api/v1/namespaces/a/pods/log",
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "/version",
        ] {
            assert_eq!(class(short, false, false), Class::Unary, "{short}");
        }
        assert!(UpstreamPath("/api/v1/watch/pods").is_legacy_watch());
        assert!(UpstreamPath("/apis/apps/v1/watch/deployments").is_legacy_watch());
        assert!(!UpstreamPath("/api/v1/namespaces/watch/pods").is_legacy_watch());
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
            assert!(UpstreamPath(path).is_of_api_server(), "{path}");
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
            assert!(!UpstreamPath(path).is_of_api_server(), "{path}");
        }
        for path in [
            "/",
            "//quitquitquit",
            "/config_dump",
            "/latest/meta-data/",
            "/%6Catest/meta-data/",
            "/%63%6f%6ef%69g%5Fdump",
        ] {
            assert!(UpstreamPath(path).is_of_other_server(), "{path}");
        }
        for path in [
            "/echo",
            "/log",
            "/teapot",
            "/configs_dump",
            "/%6Cog",
            "/%256Catest",
        ] {
            assert!(!UpstreamPath(path).is_of_other_server(), "{path}");
        }
    }

    #[test]
    fn the_way_to_an_application_is_told_by_its_place() {
        let proxied = "/api/v1/namespaces/a/services/http:web:80/proxy/items";
        assert!(UpstreamPath(proxied).is_proxy_subresource());
        assert!(UpstreamPath("/api/v1/nodes/n/proxy").is_proxy_subresource());
        assert!(!UpstreamPath("/api/v1/namespaces/proxy/pods").is_proxy_subresource());
        assert!(!UpstreamPath("/api/v1/namespaces/a/services/proxy").is_proxy_subresource());
    }
}
