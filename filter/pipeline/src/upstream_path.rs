//! What a path at an API server says of the answer behind it.

use cubegate_filter_config::Class;

/// A path at an API server, still encoded, beginning with `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpstreamPath<'a>(pub(crate) &'a str);

// === impl UpstreamPath ===

impl UpstreamPath<'_> {
    /// Which timeouts the request gets. `streaming` is what its query says.
    pub(crate) fn class(self, streaming: bool, upgrade: bool) -> Class {
        // Sub-resources that are streams by nature; a namespace or an object of
        // the same name only gets the longer timeouts, which harms nobody.
        let stream_segment = |segment: &str| {
            matches!(
                segment,
                "watch" | "exec" | "attach" | "portforward" | "proxy"
            )
        };
        if streaming || upgrade || self.0.split('/').skip(3).any(stream_segment) {
            Class::Stream
        } else {
            Class::Unary
        }
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
        let pods = UpstreamPath("/api/v1/namespaces/a/pods");
        assert_eq!(pods.class(false, false), Class::Unary);
        assert_eq!(pods.class(true, false), Class::Stream);
        assert_eq!(pods.class(false, true), Class::Stream);
        assert_eq!(
            UpstreamPath("/api/v1/namespaces/a/pods/p/exec").class(false, false),
            Class::Stream
        );
        assert!(UpstreamPath("/api/v1/watch/pods").is_legacy_watch());
        assert!(UpstreamPath("/apis/apps/v1/watch/deployments").is_legacy_watch());
        assert!(!UpstreamPath("/api/v1/namespaces/watch/pods").is_legacy_watch());
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
