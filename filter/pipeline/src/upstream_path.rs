//! What a path at a cluster says of its timeouts, and which ones no cluster gets.

use cubegate_filter_config::Class;
use cubegate_kube::ApiPath;
use percent_encoding::percent_decode_str;

use crate::RequestHead;

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

/// Returns which timeouts the request gets: none, where the API server itself has none.
/// `streaming` is what the query says, of an object, too.
pub(crate) fn class(
    path: ApiPath<'_>,
    head: &RequestHead,
    streaming: bool,
    upgrade: bool,
) -> Class {
    if streaming || upgrade || path.is_long_running(&head.method, head.query.as_deref()) {
        Class::Stream
    } else {
        Class::Unary
    }
}

/// Returns whether a path is one of another server's that steers or tells more than it should.
pub(crate) fn is_of_other_server(path: &str) -> bool {
    let first = path.split('/').find(|segment| !segment.is_empty());
    first.is_none_or(|first| {
        let first = percent_decode_str(first).decode_utf8_lossy();
        OF_OTHER_SERVERS.contains(&&*first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_by_query_upgrade_and_path() {
        let class = |path: &str, streaming: bool, upgrade: bool| {
            let head = RequestHead {
                method: "GET".to_owned(),
                path: path.to_owned(),
                query: None,
            };
            class(ApiPath(path), &head, streaming, upgrade)
        };
        const PODS: &str = "/api/v1/namespaces/a/pods";
        assert_eq!(class(PODS, false, false), Class::Unary);
        assert_eq!(class(PODS, true, false), Class::Stream);
        assert_eq!(class(PODS, false, true), Class::Stream);
        let log = "/api/v1/namespaces/a/pods/p/log";
        assert_eq!(class(log, false, false), Class::Stream);
    }

    #[test]
    fn what_other_servers_have_is_told_by_its_first_segment() {
        for path in [
            "/",
            "//quitquitquit",
            "/config_dump",
            "/latest/meta-data/",
            "/%6Catest/meta-data/",
            "/%63%6f%6ef%69g%5Fdump",
        ] {
            assert!(is_of_other_server(path), "{path}");
        }
        for path in [
            "/echo",
            "/log",
            "/teapot",
            "/configs_dump",
            "/%6Cog",
            "/%256Catest",
        ] {
            assert!(!is_of_other_server(path), "{path}");
        }
    }
}
