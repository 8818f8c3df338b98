//! Step 3, upstream: the request becomes the gateway's own, made for its caller.

use cubegate_filter_config::{
    ALPN_HEADER, ALPN_HTTP1, CLASS_HEADER, CLUSTER_HEADER, CONTROL_PLANE_CLUSTER, Class,
    ClusterEntry, INTERNAL_HEADER_PREFIX, ORIGINAL_PATH_HEADER, PASS_HEADER, READER_HEADER,
};
use cubegate_token::AUTHENTICATED_GROUP;

use crate::credential::WEBSOCKET_BEARER_PREFIX;
use crate::impersonation::{self, Impersonation};
use crate::verify::Caller;
use crate::{Headers, RequestHead};

/// Envoy's id of a request.
const REQUEST_ID_HEADER: &str = "x-request-id";

/// Kubernetes' id of a request, taken by API servers as it is sent.
const AUDIT_ID_HEADER: &str = "audit-id";

/// Where the control plane gives more than a page: all audit records, as lines.
const EXPORTS: &str = "/api/v1/cube/audit";

/// The request headers as they leave for the API server.
pub(crate) struct Rewrite {
    headers: Headers,
}

/// What is to be done with a member request.
pub(crate) struct Upstream<'a> {
    pub(crate) cluster: &'a ClusterEntry,
    /// Who else it is made for than its caller.
    pub(crate) acting: Option<&'a Impersonation>,
    /// The path that the client asked.
    pub(crate) original_path: &'a str,
    /// The path at the API server, beginning with `/`.
    pub(crate) path: &'a str,
    /// The query that goes upstream.
    pub(crate) query: Option<&'a str>,
    pub(crate) class: Class,
    pub(crate) upgrade: bool,
    /// The answer is to be read; the form to ask for.
    pub(crate) read_as: Option<&'static str>,
    /// By what Envoy's route table knows that the filter sends it.
    pub(crate) pass: &'a str,
}

// === impl Rewrite ===

impl Rewrite {
    /// To a member cluster, as the caller or as who the caller may be there.
    pub(crate) fn to_member(
        mut headers: Headers,
        caller: &Caller,
        upstream: &Upstream<'_>,
    ) -> Self {
        let cluster = upstream.cluster;
        headers.retain(|name| {
            let is_of_client = matches!(
                name,
                "authorization" | "cookie" | "proxy-authorization" | "x-forwarded-client-cert"
            );
            !is_of_client && !is_foreign(name)
        });
        remove_websocket_token(&mut headers);

        // Envoy has made the request's id, whatever the client sent. Under this
        // name the API server's own audit log tells of the request by it.
        headers.remove(AUDIT_ID_HEADER);
        if let Some(id) = headers.get(REQUEST_ID_HEADER).map(<[u8]>::to_vec) {
            headers.set(AUDIT_ID_HEADER, id);
        }

        match upstream.acting {
            Some(acting) => acting.put(&mut headers),
            None => {
                let claims = caller.claims();
                headers.add("impersonate-user", claims.user.as_bytes());
                for group in &claims.groups {
                    headers.add("impersonate-group", group.as_bytes());
                }
                headers.add("impersonate-group", AUTHENTICATED_GROUP);
            }
        }

        let mut envoy_cluster = &cluster.upstream;
        if upstream.upgrade {
            // An API server cannot upgrade a stream of an HTTP/2 connection (no RFC 8441).
            match &cluster.upgrade_upstream {
                Some(of_upgrades) => envoy_cluster = of_upgrades,
                None => headers.set(ALPN_HEADER, ALPN_HTTP1),
            }
        }
        headers.set(CLUSTER_HEADER, envoy_cluster.as_bytes());
        headers.set(CLASS_HEADER, upstream.class.as_str());
        set_pass(&mut headers, upstream.pass);
        headers.set(ORIGINAL_PATH_HEADER, upstream.original_path);
        headers.set(":authority", cluster.authority.as_bytes());
        let path = format!("{}{}", cluster.path_prefix, upstream.path);
        headers.set(":path", with_query(&path, upstream.query));

        if upstream.upgrade {
            // Exactly this: a header named in Connection may be dropped on the
            // way, and the ones that say who the caller is must not be.
            headers.set("connection", "Upgrade");
        }
        if let Some(form) = upstream.read_as {
            // One form, not compressed and whole, is what is read.
            headers.set("accept", form);
            headers.set("accept-encoding", "identity");
            headers.remove("range");
        }
        Self { headers }
    }

    /// To the control plane, which reads the caller's credential itself.
    pub(crate) fn to_control_plane(mut headers: Headers, head: &RequestHead, pass: &str) -> Self {
        headers.retain(|name| !is_foreign(name));
        let path = head.path.as_str();
        headers.set(":path", with_query(path, head.query.as_deref()));
        headers.set(ORIGINAL_PATH_HEADER, path);
        headers.set(CLUSTER_HEADER, CONTROL_PLANE_CLUSTER);
        let class = if path == EXPORTS {
            Class::Export
        } else {
            Class::Unary
        };
        headers.set(CLASS_HEADER, class.as_str());
        set_pass(&mut headers, pass);
        Self { headers }
    }

    /// Returns the headers to send.
    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }
}

fn with_query(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Returns whether a header says what only the gateway may say: who somebody is, and where to
/// route.
fn is_foreign(name: &str) -> bool {
    impersonation::is_header(name)
        || name.starts_with("x-remote-")
        // Between KubeSphere's own servers: a credential and a query.
        || matches!(name, "x-kubesphere-authorization" | "x-kubesphere-rawquery")
        || name == READER_HEADER
        || name.starts_with(INTERNAL_HEADER_PREFIX)
}

/// Shows Envoy's route table whose request it is, where it asks.
fn set_pass(headers: &mut Headers, pass: &str) {
    if !pass.is_empty() {
        headers.set(PASS_HEADER, pass);
    }
}

/// The sub-protocol that carried the caller's token goes, its neighbours stay.
fn remove_websocket_token(headers: &mut Headers) {
    const NAME: &str = "sec-websocket-protocol";
    if headers.get(NAME).is_none() {
        return;
    }
    let kept: Vec<String> = headers
        .all(NAME)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty() && !protocol.starts_with(WEBSOCKET_BEARER_PREFIX))
        .map(str::to_owned)
        .collect();
    if kept.is_empty() {
        headers.remove(NAME);
    } else {
        headers.set(NAME, kept.join(", "));
    }
}
