//! Every refusal of the gateway, one named constructor each.

use cubegate_api_types::cube::{self, ErrorBody, message};
use cubegate_kube::{API_SERVER_PATHS, Details, Family, Status};
use cubegate_list::{ListError, QueryError};
use cubegate_token::TokenError;
use serde::Serialize;

use crate::meters::Counter;
use crate::misplaced::Misplaced;
use crate::sandbox::{self, NO_SNIFF};
use crate::throttle::TooMany;
use crate::unsent::NoRoom;
use crate::{Headers, cors, gzip};

mod follow_up;
mod impersonation;
mod kubesphere;
mod not_now;
mod place;
mod reviews;

use kubesphere::unauthorized;

/// An answer of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside the framing ones.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What it is counted as, if it is a refusal.
    pub counted: Option<Counter>,
}

/// Headers that belong to the upstream connection or to the body as it was.
const FRAMING_HEADERS: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "etag",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A `Vary` that names this header too.
pub(crate) fn varying(have: &str, on: &str) -> String {
    match have {
        "" => on.to_owned(),
        have if names(have, on) || names(have, "*") => have.to_owned(),
        have => format!("{have}, {on}"),
    }
}

/// Returns whether a list of names holds this one.
fn names(list: &str, name: &str) -> bool {
    list.split(',')
        .any(|one| one.trim().eq_ignore_ascii_case(name))
}

// === impl Reply ===

impl Reply {
    /// An error in the shape of its family.
    pub fn error(family: Family, status: u16, message: impl Into<String>) -> Self {
        match family {
            Family::KubeCube => {
                Self::json(status, cube::CONTENT_TYPE, &ErrorBody::new(status, message))
            }
            Family::KubeSphere | Family::Kubernetes => Self::json(
                status,
                "application/json",
                &Status::failure(status, message),
            ),
        }
    }

    /// 200: this filter is in the chain and has a configuration.
    pub fn alive() -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: b"ok".to_vec(),
            counted: None,
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

    /// 431: the request's head is longer than an operator lets it be.
    pub(crate) fn head_too_large(path: &str, found: usize, max: usize) -> Self {
        Self::error(
            Family::of_path(path),
            431,
            format!(
                "The request line and the headers have {} KiB, and {} KiB is the most here; ask with a shorter query, or let the gateway's operator raise --max-request-head.",
                found.div_ceil(1 << 10),
                max >> 10
            ),
        )
    }

    /// 400: a body in chunks over HTTP/1.0, which has none.
    pub(crate) fn length_required(path: &str) -> Self {
        Self::error(
            Family::of_path(path),
            400,
            "A body over HTTP/1.0 needs a Content-Length; send one, or speak HTTP/1.1.",
        )
    }

    /// 400: a header's name that servers read in two ways.
    pub(crate) fn header_name_ambiguous(path: &str, name: &str) -> Self {
        let name = name.get(..64).unwrap_or(name);
        Self::error(
            Family::of_path(path),
            400,
            format!(
                "The header {name} has an underscore in its name, which some servers take for a hyphen; leave it out, or write a hyphen."
            ),
        )
    }

    /// 401: no credential, or one that cannot be read.
    pub fn unauthenticated(family: Family) -> Self {
        let message = match family {
            Family::KubeCube => message::AUTHENTICATE_FAILED,
            Family::KubeSphere | Family::Kubernetes => "Unauthorized",
        };
        Self::error(family, 401, message).with_header("www-authenticate", "Bearer")
    }

    /// 401: a token that does not verify. `expired` is how many seconds ago it did,
    /// if it did.
    pub(crate) fn token_invalid(family: Family, why: &TokenError, expired: Option<u64>) -> Self {
        let message = match family {
            // Nobody but an operator can do something about it.
            Family::KubeCube if *why == TokenError::ClockSkew => message::CLOCK_SKEW.to_owned(),
            Family::KubeCube => message::TOKEN_INVALID.to_owned(),
            Family::KubeSphere | Family::Kubernetes => unauthorized(why, expired),
        };
        Self::error(family, 401, message)
            .with_header("www-authenticate", "Bearer error=\"invalid_token\"")
            .counted_as(Counter::of_token(why))
    }

    /// 403 in Kubernetes' words.
    pub(crate) fn forbidden(status: &Status) -> Self {
        Self::json(403, "application/json", status).with_header(NO_SNIFF.0, NO_SNIFF.1)
    }

    /// 502: the cluster does not know the gateway, which says nothing of the caller.
    pub(crate) fn gateway_unauthorized(family: Family) -> Self {
        Self::error(
            family,
            502,
            "The cluster's API server does not accept the gateway's own credential; the gateway's operator should renew it.",
        )
    }

    /// 401: a user name and a password that are nobody's.
    pub fn password_wrong(family: Family) -> Self {
        Self::error(family, 401, "Unauthorized")
            .with_header(
                "www-authenticate",
                "Basic realm=\"cubegate\", charset=\"UTF-8\"",
            )
            .counted_as(Counter::Password)
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
        .counted_as(Counter::ThrottledPassword)
    }

    /// 429: the caller asks more than it may, in a second or at the same time.
    pub(crate) fn too_many_requests(family: Family, why: TooMany) -> Self {
        let counter = match why {
            TooMany::Rate { .. } => Counter::ThrottledRate,
            TooMany::Concurrent { .. } => Counter::ThrottledOpen,
        };
        Self::busy(family, 429, &why.to_string(), why.retry_after()).counted_as(counter)
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
        Self::error(family, 403, message::FORBIDDEN).counted_as(Counter::CrossSite)
    }

    /// The API server or the control plane could not be reached or did not finish:
    /// 502, or 504 when it was too slow.
    pub fn upstream_failed(family: Family, status: u16) -> Self {
        let status = if status == 504 { 504 } else { 502 };
        match family {
            Family::KubeCube => Self::error(family, status, message::SERVER_ERROR),
            Family::KubeSphere | Family::Kubernetes => {
                Self::error(family, status, message::upstream_failed(status))
            }
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

    /// 400: a parameter of lists on a request that cannot honour it.
    pub(crate) fn parameter_misplaced(family: Family, why: &Misplaced) -> Self {
        Self::error(family, 400, why.to_string())
    }

    /// 404: no path of an API server.
    pub(crate) fn no_api_path(family: Family) -> Self {
        let paths = API_SERVER_PATHS.join(", ");
        let message =
            format!("The gateway passes on what an API server has, below these paths: {paths}.");
        Self::error(family, 404, message)
    }

    /// The list cannot be turned into a page: 502 for an answer that is broken,
    /// 507 for one that needs more memory than a request may have, 400 for a
    /// Table without the column that was asked for and for a query that makes too
    /// much work of this list.
    pub fn list_failed(family: Family, error: &ListError) -> Self {
        let status = match error {
            ListError::PageTooLarge { .. } => 507,
            ListError::NoColumn { .. } | ListError::TooMuchWork => 400,
            _ => 502,
        };
        let reply = Self::error(family, status, error.to_string());
        match error {
            ListError::TooMuchWork => reply.counted_as(Counter::BudgetWork),
            _ => reply,
        }
    }

    /// The page found no place on its way: 429 when its user takes none of the others,
    /// 507 when that is so of all users.
    pub(crate) fn no_room_on_the_way(family: Family, why: NoRoom) -> Self {
        let (status, message) = match why {
            NoRoom::User(_) => (
                429,
                "Pages that this user has asked for are still on their way; read them, ask for smaller ones, or try again later.",
            ),
            NoRoom::Worker(_) => (
                507,
                "The gateway has as many pages on their way as it may; try again later, or ask for a smaller page.",
            ),
        };
        Self::busy(family, status, message, why.retry_after()).counted_as(Counter::BudgetUnsent)
    }

    /// An error after which the same request may be sent again in so many seconds.
    fn busy(family: Family, status: u16, message: &str, retry_after: u64) -> Self {
        let reply = match family {
            Family::KubeCube => Self::error(family, status, message),
            Family::KubeSphere | Family::Kubernetes => {
                let status_object = Status::failure(status, message).about(Details {
                    retry_after_seconds: Some(retry_after),
                    ..Details::default()
                });
                Self::json(status, "application/json", &status_object)
            }
        };
        reply.with_header("retry-after", &retry_after.to_string())
    }

    /// 500: the proxy did not do what every proxy does.
    pub fn internal(family: Family) -> Self {
        Self::error(family, 500, message::SERVER_ERROR)
    }

    /// The page, with the upstream's own headers.
    pub fn page(upstream: &Headers, body: Vec<u8>) -> Self {
        Self::upstream(200, upstream, body)
    }

    /// Returns what the upstream answered, as an answer of our own.
    pub fn upstream(status: u16, upstream: &Headers, body: Vec<u8>) -> Self {
        let headers = upstream
            .iter()
            .filter(|(name, _)| {
                // Who may call this origin is the gateway's to say.
                !(name.starts_with(':')
                    || name.starts_with(cors::PREFIX)
                    || sandbox::drops(name)
                    || FRAMING_HEADERS.contains(name))
            })
            .filter_map(|(name, value)| {
                Some((name.to_owned(), std::str::from_utf8(value).ok()?.to_owned()))
            })
            .collect();
        Self {
            status,
            headers,
            body,
            counted: None,
        }
    }

    /// The same reply, compressed if it is worth it and `takes_gzip`. Whether
    /// it is depends on the request then, and caches are told so.
    #[must_use]
    pub fn compressed(mut self, takes_gzip: bool) -> Self {
        if !(gzip::MIN_BYTES..=gzip::MAX_BYTES).contains(&self.body.len()) {
            return self;
        }
        self = self.varying("Accept-Encoding");
        if takes_gzip && let Some(body) = gzip::gzip(&self.body) {
            self.body = body;
            self = self.with_header("content-encoding", "gzip");
        }
        self
    }

    /// The same reply, saying that it depends on this header of the request.
    #[must_use]
    pub(crate) fn varying(mut self, on: &str) -> Self {
        let mut fields = self.headers.iter_mut();
        let have = fields.find(|(name, _)| name.eq_ignore_ascii_case("vary"));
        match have {
            Some((_, have)) => *have = varying(have, on),
            None => self = self.with_header("vary", on),
        }
        self
    }

    /// The same refusal, counted as this.
    #[must_use]
    pub(crate) fn counted_as(mut self, counter: Counter) -> Self {
        self.counted = Some(counter);
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
            counted: Counter::of_status(status),
        }
    }
}
