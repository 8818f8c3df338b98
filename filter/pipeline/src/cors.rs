//! Pages of other origins (the Fetch standard, "CORS protocol"): which may call, and
//! what browsers are told of it.
//!
//! Origins that an operator has named may call with a token in `Authorization`.
//! Cookies are never allowed for them, so no `Access-Control-Allow-Credentials`.

use crate::{Headers, Reply};

/// How long a browser may keep the answer to a pre-flight, in seconds.
const MAX_AGE_SECONDS: &str = "600";

/// What Kubernetes' and our own APIs are called with.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What a page may read beside the headers that the standard lets it.
const EXPOSED: &str = "Retry-After, Warning, WWW-Authenticate, X-Cubegate-List, X-Request-Id";

/// Longest list of headers that is allowed by repeating it.
const MAX_ASKED_BYTES: usize = 1024;

/// An origin (RFC 6454) whose pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebOrigin(String);

/// What begins the name of every header that says who may call.
pub(crate) const PREFIX: &str = "access-control-";

// === impl WebOrigin ===

impl WebOrigin {
    /// The request's only `Origin`, if `allowed` says that it may call.
    pub(crate) fn of(headers: &Headers, allowed: impl Fn(&str) -> bool) -> Option<Self> {
        let mut values = headers.all("origin");
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let origin = std::str::from_utf8(value).ok()?;
        allowed(origin).then(|| Self(origin.to_owned()))
    }

    /// Returns what an answer to it says.
    pub(crate) fn headers(&self) -> [(&'static str, &str); 2] {
        [
            ("access-control-allow-origin", &self.0),
            ("access-control-expose-headers", EXPOSED),
        ]
    }
}

/// Returns whether the request asks only if another one may be made.
pub(crate) fn is_preflight(headers: &Headers) -> bool {
    headers.get_str(":method") == Some("OPTIONS")
        && headers.get("access-control-request-method").is_some()
}

/// 204: it may be made.
pub(crate) fn preflight(headers: &Headers) -> Reply {
    let asked = headers
        .get_str("access-control-request-headers")
        .filter(|asked| asked.len() <= MAX_ASKED_BYTES && asked.bytes().all(is_in_list));
    let reply = Reply {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
        counted: None,
    };
    let reply = reply
        .with_header("access-control-allow-methods", METHODS)
        .with_header("access-control-max-age", MAX_AGE_SECONDS)
        .varying("Access-Control-Request-Headers");
    match asked {
        Some(asked) => reply.with_header("access-control-allow-headers", asked),
        None => reply,
    }
}

/// A byte of a list of header names (RFC 9110 5.6.2).
fn is_in_list(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, ".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(values: &[&str]) -> Option<WebOrigin> {
        let mut headers = Headers::default();
        for value in values {
            headers.add("origin", *value);
        }
        WebOrigin::of(&headers, |origin| origin == "https://a.example")
    }

    #[test]
    fn an_origin_is_allowed_letter_by_letter() {
        assert!(origin(&["https://a.example"]).is_some());
        for other in [
            &["https://a.example:443"][..],
            &["https://A.example"],
            &["http://a.example"],
            &["null"],
            &[],
            &["https://a.example", "https://a.example"],
        ] {
            assert_eq!(origin(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_preflight_is_told_by_its_method_and_header() {
        let mut headers = Headers::default();
        headers.set(":method", "OPTIONS");
        assert!(!is_preflight(&headers));
        headers.set("access-control-request-method", "GET");
        assert!(is_preflight(&headers));
        headers.set(":method", "GET");
        assert!(!is_preflight(&headers));
    }

    #[test]
    fn headers_are_allowed_by_repeating_them_if_they_are_names() {
        let allowed = |asked: &str| {
            let mut headers = Headers::default();
            headers.set("access-control-request-headers", asked);
            let reply = preflight(&headers);
            let mut found = reply.headers.into_iter();
            let found = found.find(|(name, _)| name == "access-control-allow-headers");
            found.map(|(_, value)| value)
        };
        let names = "authorization,content-type";
        assert_eq!(allowed(names).as_deref(), Some(names));
        assert_eq!(allowed("a\r\nset-cookie: b"), None);
        assert_eq!(allowed(&"a".repeat(MAX_ASKED_BYTES + 1)), None);
    }
}
