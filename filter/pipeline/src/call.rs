//! Requests of the gateway's own, made for the caller of an exchange.

use std::time::Duration;

use cubegate_filter_config::{Class, ClusterEntry};
use serde::Deserialize;

use crate::Headers;
use crate::impersonation::{self, Impersonation};
use crate::scope::Asked;
use crate::upstream::{Rewrite, Upstream};
use crate::verify::Caller;

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
pub(crate) struct CallAnswer {
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

/// Longest `Status` that is read, in bytes; those of API servers have some hundred.
const MAX_STATUS_BYTES: usize = 64 << 10;

/// What a call keeps of the request as it went upstream: who asks, and how the
/// request is found again in logs. All else is the client's or says something
/// about the main request.
const KEPT: [&str; 5] = [
    ":authority",
    ":scheme",
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
        headers.retain(|name| KEPT.contains(&name) || impersonation::is_header(name));
        headers.set(":method", "GET");
        headers.set("accept-encoding", "identity");
        Self { headers, ..self }
    }

    /// At a member cluster, asking for the caller of a request with these headers, or for
    /// whom it may be there.
    pub(crate) fn asking_for(
        cluster: &ClusterEntry,
        caller: &Caller,
        acting: Option<&Impersonation>,
        headers: Headers,
    ) -> Self {
        let upstream = Upstream {
            cluster,
            acting,
            original_path: "",
            path: "/",
            query: None,
            class: Class::Unary,
            upgrade: false,
            read_as: None,
            pass: "",
        };
        let rewrite = Rewrite::to_member(headers, caller, &upstream);
        Self::of(cluster).asking_as(rewrite.headers())
    }

    /// A name for a list that no other list has.
    pub(crate) fn list_name(&self, path: &str, query: &str) -> String {
        format!("{}{path}?{query}", self.cluster)
    }

    /// Returns the call that asks this.
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

    /// Returns the call that sends this, in JSON, to be answered in JSON.
    pub(crate) fn post(&self, path: &str, body: Vec<u8>, timeout: Duration) -> Call {
        let mut headers = self.headers.clone();
        headers.set(":method", "POST");
        headers.set(":path", format!("{}{path}", self.path_prefix));
        headers.set("accept", JSON);
        headers.set("content-type", JSON);
        Call {
            cluster: self.cluster.clone(),
            headers,
            body,
            timeout,
        }
    }
}

// === impl CallAnswer ===

impl CallAnswer {
    /// Returns whether it is JSON as it was asked for.
    pub(crate) fn is_good(&self) -> bool {
        self.status == Some(200)
            && self.headers.is_json()
            && self
                .headers
                .get("content-encoding")
                .is_none_or(|coding| coding == b"identity")
    }

    /// Returns whether it is a refusal of the API server's own, or of what stands before
    /// it, and none that the proxy makes of a connection that failed.
    pub(crate) fn is_refusal(&self) -> bool {
        match self.status {
            Some(502..=504) => self.reason().is_some() || self.headers.get("retry-after").is_some(),
            Some(status) => status >= 400,
            None => false,
        }
    }

    /// Returns the message of the `Status` that the answer is, if it is one.
    pub(crate) fn reason(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Status {
            kind: String,
            #[serde(default)]
            message: Option<String>,
        }
        let body = Some(&self.body).filter(|body| body.len() <= MAX_STATUS_BYTES)?;
        let status: Status = serde_json::from_slice(body).ok()?;
        (status.kind == "Status").then(|| status.message.unwrap_or_default())
    }

    /// Returns whether the server refused the question itself, so that another one may do.
    pub(crate) fn refuses_the_question(&self) -> bool {
        matches!(self.status, Some(400 | 404 | 405 | 406 | 410 | 415 | 422))
    }
}
