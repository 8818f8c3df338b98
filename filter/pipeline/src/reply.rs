//! Every refusal of the gateway, one named constructor each.

use cubegate_api_types::cube::{self, ErrorBody, message};
use cubegate_api_types::kube::Status;
use cubegate_list::{ListError, QueryError};
use serde::Serialize;

use crate::scope::OutOfScope;
use crate::{Headers, gzip};

/// Which API a path belongs to; it decides the shape of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `/api/v1/cube/…`: `{"code","message"}`.
    Cube,
    /// Kubernetes paths: a `Status` object.
    Kube,
}

/// An answer of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the framing ones.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Headers that belong to the upstream connection or to the body as it was.
const FRAMING_HEADERS: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "etag",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "transfer-encoding",
    "upgrade",
];

/// Whether a list of names holds this one.
fn names(list: &str, name: &str) -> bool {
    list.split(',')
        .any(|one| one.trim().eq_ignore_ascii_case(name))
}

// === impl Family ===

impl Family {
    /// The family of a path that has not been routed (yet).
    pub fn of_path(path: &str) -> Self {
        match path.strip_prefix("/api/v1/cube") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Self::Cube,
            _ => Self::Kube,
        }
    }
}

// === impl Reply ===

impl Reply {
    /// An error in the shape of its family.
    pub fn error(family: Family, status: u16, message: impl Into<String>) -> Self {
        match family {
            Family::Cube => {
                Self::json(status, cube::CONTENT_TYPE, &ErrorBody::new(status, message))
            }
            Family::Kube => Self::json(
                status,
                "application/json",
                &Status::failure(status, message),
            ),
        }
    }

    /// 400: the path can be read in two ways.
    pub fn path_malformed(path: &str) -> Self {
        Self::error(
            Family::of_path(path),
            400,
            "The path must begin with / and hold no dot segments, encoded slashes, backslashes or control characters; encode what is meant literally.",
        )
    }

    /// 401: no credential, or one that cannot be read.
    pub fn unauthenticated(family: Family) -> Self {
        let message = match family {
            Family::Cube => message::AUTHENTICATE_FAILED,
            Family::Kube => "Unauthorized",
        };
        Self::error(family, 401, message).with_header("www-authenticate", "Bearer")
    }

    /// 401: a token that does not verify.
    pub fn token_invalid(family: Family) -> Self {
        let message = match family {
            Family::Cube => message::TOKEN_INVALID,
            Family::Kube => "Unauthorized",
        };
        Self::error(family, 401, message)
            .with_header("www-authenticate", "Bearer error=\"invalid_token\"")
    }

    /// 401: a user name and a password that are nobody's.
    pub fn password_wrong(family: Family) -> Self {
        Self::error(family, 401, "Unauthorized").with_header(
            "www-authenticate",
            "Basic realm=\"cubegate\", charset=\"UTF-8\"",
        )
    }

    /// 429: too many tries of this user or from this address. `retry_after` is in
    /// seconds.
    pub fn too_many_tries(family: Family, retry_after: Option<&str>) -> Self {
        Self::error(
            family,
            429,
            "Too many tries with this user name or from this address; wait before the next one.",
        )
        .with_header("retry-after", retry_after.unwrap_or("60"))
    }

    /// 503: the control plane, which knows the passwords, does not answer.
    pub fn password_unchecked(family: Family) -> Self {
        Self::error(
            family,
            503,
            "The gateway cannot check passwords now; try again in a moment, or use a token.",
        )
        .with_header("retry-after", "1")
    }

    /// 403: a write that another site makes with the user's cookie.
    pub fn cross_site(family: Family) -> Self {
        Self::error(family, 403, message::FORBIDDEN)
    }

    /// 403: the token's access key is bounded, and this is beyond.
    pub(crate) fn out_of_scope(family: Family, why: &OutOfScope) -> Self {
        Self::error(family, 403, why.to_string())
    }

    /// The path names a cluster that is not registered: 400 for KubeCube, 404
    /// for Kubernetes paths.
    pub fn cluster_not_found(family: Family, cluster: &str) -> Self {
        let status = match family {
            Family::Cube => 400,
            Family::Kube => 404,
        };
        Self::error(family, status, message::cluster_not_found(cluster))
    }

    /// The API server or the control plane could not be reached or did not finish:
    /// 502, or 504 when it was too slow.
    pub fn upstream_failed(family: Family, status: u16) -> Self {
        let status = if status == 504 { 504 } else { 502 };
        match family {
            Family::Cube => Self::error(family, status, message::SERVER_ERROR),
            Family::Kube => Self::error(family, status, message::upstream_failed(status)),
        }
    }

    /// 502: an answer in an encoding that was not asked for.
    pub fn unexpected_encoding(family: Family, encoding: &str) -> Self {
        let encoding: String = encoding
            .chars()
            .filter(char::is_ascii_graphic)
            .take(32)
            .collect();
        Self::error(
            family,
            502,
            format!(
                "The API server answered with the content encoding {encoding}, which was not asked for."
            ),
        )
    }

    /// 400: a parameter of the list query cannot be read.
    pub fn query_invalid(family: Family, error: &QueryError) -> Self {
        Self::error(family, 400, error.to_string())
    }

    /// The list cannot be turned into a page: 502 for an answer that is broken,
    /// 507 for one that needs more memory than a request may have, 400 for a
    /// Table without the column that was asked for.
    pub fn list_failed(family: Family, error: &ListError) -> Self {
        let status = match error {
            ListError::PageTooLarge { .. } => 507,
            ListError::NoColumn { .. } => 400,
            _ => 502,
        };
        Self::error(family, status, error.to_string())
    }

    /// 507: all list requests of this worker together need too much memory.
    pub fn worker_memory_full(family: Family) -> Self {
        Self::error(
            family,
            507,
            "The gateway is holding as many lists as it may; try again in a moment, or ask for a smaller page.",
        )
        .with_header("retry-after", "1")
    }

    /// 500: the proxy did not do what every proxy does.
    pub fn internal(family: Family) -> Self {
        Self::error(family, 500, message::SERVER_ERROR)
    }

    /// 502, or 504 when it was too slow: the API server gave the list, and then
    /// not what else the page takes.
    pub fn follow_up_failed(family: Family, status: Option<u16>) -> Self {
        let (status, what) = match status {
            Some(504) => (504, "not in time".to_owned()),
            Some(status) => (502, format!("with status {status}")),
            None => (502, "not, or with too much".to_owned()),
        };
        Self::error(
            family,
            status,
            format!(
                "The API server answered the gateway's further question about this list {what}; try again."
            ),
        )
    }

    /// The page, with the upstream's own headers.
    pub fn page(upstream: &Headers, body: Vec<u8>) -> Self {
        Self::upstream(200, upstream, body)
    }

    /// What the upstream answered, as an answer of our own.
    pub fn upstream(status: u16, upstream: &Headers, body: Vec<u8>) -> Self {
        let headers = upstream
            .iter()
            .filter(|(name, _)| !name.starts_with(':') && !FRAMING_HEADERS.contains(name))
            .filter_map(|(name, value)| {
                Some((name.to_owned(), std::str::from_utf8(value).ok()?.to_owned()))
            })
            .collect();
        Self {
            status,
            headers,
            body,
        }
    }

    /// The same reply, compressed if it is worth it and `takes_gzip`. Whether
    /// it is depends on the request then, and caches are told so.
    #[must_use]
    pub fn compressed(mut self, takes_gzip: bool) -> Self {
        const VARIES: &str = "Accept-Encoding";
        if !(gzip::MIN_BYTES..=gzip::MAX_BYTES).contains(&self.body.len()) {
            return self;
        }
        let mut fields = self.headers.iter_mut();
        match fields.find(|(name, _)| name.eq_ignore_ascii_case("vary")) {
            Some((_, have)) if names(have, VARIES) || names(have, "*") => {}
            Some((_, have)) => {
                have.push_str(", ");
                have.push_str(VARIES);
            }
            None => self = self.with_header("vary", VARIES),
        }
        if takes_gzip && let Some(body) = gzip::gzip(&self.body) {
            self.body = body;
            self = self.with_header("content-encoding", "gzip");
        }
        self
    }

    /// The same reply with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn json(status: u16, content_type: &str, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            // Plain structs of strings and numbers always serialise.
            body: serde_json::to_vec(body).unwrap_or_default(),
        }
    }
}
