//! Requests of the gateway's own, made for the caller of an exchange.

use std::time::Duration;

use cubegate_filter_config::ClusterEntry;

use crate::Headers;
use crate::scope::Asked;

/// A request to an Envoy cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The Envoy cluster.
    pub cluster: String,
    /// Its headers, pseudo-headers included.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
    /// How long the whole answer may take.
    pub timeout: Duration,
}

/// What a call brought.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status. `None`: there is no whole answer; the connection broke,
    /// or the answer is larger than Envoy takes in (32 MiB).
    pub(crate) status: Option<u16>,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// What is to be asked: a path with its query at the API server, and a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) accept: &'static str,
}

/// Who asks, and where: what all calls of one exchange have in common.
#[derive(Debug)]
pub(crate) struct Origin {
    cluster: String,
    path_prefix: String,
    headers: Headers,
}

/// Plain JSON.
pub(crate) const JSON: &str = "application/json";

/// A list with the metadata of its objects alone; a server that cannot do that
/// gives the whole objects, in which the metadata stands at the same place.
pub(crate) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// What a call keeps of the request as it went upstream: who asks, and how the
/// request is found again in logs. All else is the client's or says something
/// about the main request.
const KEPT: [&str; 7] = [
    ":authority",
    ":scheme",
    "impersonate-user",
    "impersonate-group",
    "traceparent",
    "user-agent",
    "x-request-id",
];

// === impl Ask ===

impl Ask {
    /// As a scope looks at it.
    pub(crate) fn asked(&self) -> Asked<'_> {
        let (path, query) = match self.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path.as_str(), None),
        };
        Asked {
            method: "GET",
            path,
            query,
            upgrade: false,
        }
    }
}

// === impl Origin ===

impl Origin {
    /// At a member cluster; nobody asks yet.
    pub(crate) fn of(cluster: &ClusterEntry) -> Self {
        Self {
            cluster: cluster.upstream.clone(),
            path_prefix: cluster.path_prefix.clone(),
            headers: Headers::default(),
        }
    }

    /// The same, asking as a request that has been rewritten for it.
    pub(crate) fn asking_as(self, rewritten: &Headers) -> Self {
        let mut headers = rewritten.clone();
        headers.retain(|name| KEPT.contains(&name));
        headers.set(":method", "GET");
        headers.set("accept-encoding", "identity");
        Self { headers, ..self }
    }

    /// A name for a list that no other list has.
    pub(crate) fn list_name(&self, path: &str, query: &str) -> String {
        format!("{}{path}?{query}", self.cluster)
    }

    /// The call that asks this.
    pub(crate) fn call(&self, ask: &Ask, timeout: Duration) -> Call {
        let mut headers = self.headers.clone();
        headers.set(":path", format!("{}{}", self.path_prefix, ask.path));
        headers.set("accept", ask.accept);
        Call {
            cluster: self.cluster.clone(),
            headers,
            body: Vec::new(),
            timeout,
        }
    }
}

// === impl Answer ===

impl Answer {
    /// Whether it is JSON as it was asked for.
    pub(crate) fn is_good(&self) -> bool {
        self.status == Some(200)
            && self.headers.is_json()
            && self
                .headers
                .get("content-encoding")
                .is_none_or(|coding| coding == b"identity")
    }

    /// Whether the server refused the question itself, so that another one may do.
    pub(crate) fn refuses_the_question(&self) -> bool {
        matches!(self.status, Some(400 | 404 | 405 | 406 | 410 | 415 | 422))
    }
}
