//! The request head, parsed once.
//!
//! The path goes to another server that parses it again, so one that can be read in two
//! ways is refused rather than repaired. Where it leads through an API server to an
//! application (`…/services/{name}/proxy/…`), the rest is the application's own, and goes
//! there as it was sent: no rule of ours, and no RBAC rule, reads it.

use percent_encoding::percent_decode_str;

use crate::{Headers, Reply};

/// The parts of a request head that every step reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// `:method`.
    pub method: String,
    /// `:path` without the query, still percent-encoded. Before an application's own part it
    /// is free of everything that two parsers may read in two ways, and of empty segments.
    pub path: String,
    /// The query without `?`; absent is not the same as empty.
    pub query: Option<String>,
}

// === impl RequestHead ===

impl RequestHead {
    /// Reads the head, which may have so many bytes.
    ///
    /// # Errors
    /// The reply that says what is wrong with it.
    pub(crate) fn parse(headers: &Headers, max_bytes: usize) -> Result<Self, Reply> {
        let raw = headers.get(":path").unwrap_or_default();
        let path_of = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        let asked = || path_of(&String::from_utf8_lossy(raw));
        let size = headers.size();
        if size > max_bytes {
            return Err(Reply::head_too_large(&asked(), size, max_bytes));
        }
        // Servers that take names for variables (CGI) read one with `_` as one with `-`.
        if let Some((name, _)) = headers.iter().find(|(name, _)| name.contains('_')) {
            return Err(Reply::header_name_ambiguous(&asked(), name));
        }
        let method = headers.get_str(":method").unwrap_or_default().to_owned();
        let text = std::str::from_utf8(raw)
            .ok()
            .filter(|text| text.starts_with('/'));
        let Some(text) = text else {
            return Err(Reply::path_malformed("/"));
        };
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (text, None),
        };
        let Some(path) = one_way_to_read(path) else {
            return Err(Reply::path_malformed(path));
        };
        Ok(Self {
            method,
            path,
            query,
        })
    }

    /// Returns whether the request reads and nothing else.
    pub fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

/// Returns the path without its empty segments, up to what is an application's own; nothing
/// if it can be read in two ways.
fn one_way_to_read(path: &str) -> Option<String> {
    let is_raw = |byte: u8| byte.is_ascii_control() || matches!(byte, b' ' | b'\\' | b'#');
    if path.bytes().any(is_raw) {
        return None;
    }
    let mut read = String::with_capacity(path.len());
    let mut segments: Vec<&str> = Vec::with_capacity(16);
    let mut rest = path;
    while let Some(behind) = rest.strip_prefix('/') {
        let (segment, behind) = match behind.find('/').map(|slash| behind.split_at(slash)) {
            Some(split) => split,
            None => (behind, ""),
        };
        rest = behind;
        // The last one stays: a path that ends with a slash is another one.
        if segment.is_empty() && !behind.is_empty() {
            continue;
        }
        if segment_is_ambiguous(segment) {
            return None;
        }
        read.push('/');
        read.push_str(segment);
        segments.push(segment);
        if leads_to_application(&segments) {
            if rest.split('/').any(climbs) {
                return None;
            }
            read.push_str(rest);
            break;
        }
    }
    Some(read)
}

fn segment_is_ambiguous(segment: &str) -> bool {
    // Bare ones of the bytes below are refused with the whole path.
    if !segment.contains('%') {
        return matches!(segment, "." | "..");
    }
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    let is_either = |byte: &u8| matches!(byte, b'/' | b'\\') || byte.is_ascii_control();
    decoded == b"." || decoded == b".." || decoded.iter().any(is_either)
}

/// Returns whether a segment of an application's path leads out of it, for a server on
/// the way that takes an encoded slash for one; or holds what ends a line.
fn climbs(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    decoded.iter().any(u8::is_ascii_control)
        || decoded
            .split(|byte| *byte == b'/')
            .any(|part| part == b"." || part == b"..")
}

/// Returns whether these are the segments of a path up to `proxy`, behind which an
/// application's own path begins: of a service, a pod or a node (Kubernetes API reference,
/// "Proxy operations"), at one of the places that an API has here (see [`crate::route`]).
fn leads_to_application(segments: &[&str]) -> bool {
    let ([
        "api",
        "v1",
        "cube",
        "proxy",
        "clusters",
        _,
        "api",
        of_api @ ..,
    ]
    | ["clusters", _, "api", of_api @ ..]
    | ["api", "clusters", _, of_api @ ..]
    | ["api", of_api @ ..]) = segments
    else {
        return false;
    };
    matches!(
        of_api,
        ["v1", "nodes", _, "proxy"] | ["v1", "namespaces", _, "services" | "pods", _, "proxy"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(path: &str) -> Result<RequestHead, Reply> {
        let headers = Headers::of(&[(":method", "GET"), (":path", path)]);
        RequestHead::parse(&headers, 1 << 10)
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_refused() {
        for path in [
            "/a/../b",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%00b",
            "/a%0d%0ab",
            "/a//..//b",
            "a",
            "",
            "*",
        ] {
            assert!(head(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn ordinary_paths_keep_their_bytes() {
        for path in [
            "/",
            "/api/v1/pods",
            "/api/v1/pods/",
            "/a%20b",
            "/a%252fb",
            "/a;x=1",
            "/...",
            "/a/.hidden",
            "/pivot%2Dcluster",
        ] {
            assert_eq!(head(path).unwrap().path, path);
        }
        let with_query = head("/a?b=../c&d=%2f").unwrap();
        assert_eq!(with_query.query.as_deref(), Some("b=../c&d=%2f"));
        assert_eq!(head("/a?").unwrap().query.as_deref(), Some(""));
    }

    #[test]
    fn empty_segments_go() {
        for (path, read) in [
            ("//api/v1//pods", "/api/v1/pods"),
            ("/api/v1/pods//", "/api/v1/pods/"),
            ("//", "/"),
            ("///a", "/a"),
        ] {
            assert_eq!(head(path).unwrap().path, read);
        }
    }

    #[test]
    fn what_is_behind_proxy_is_the_applications() {
        for place in [
            "/clusters/m/api/v1/namespaces/a/services/s:80/proxy",
            "/api/v1/cube/proxy/clusters/m/api/v1/namespaces/a/pods/p/proxy",
            "/api/clusters/m/v1/namespaces/a/services/s/proxy",
            "/api/v1/nodes/n/proxy",
        ] {
            for own in [
                "/api/queues/%2F/orders",
                "/bucket//a",
                "/a%5C..%5Cb",
                "//",
                "/",
            ] {
                let path = format!("{place}{own}");
                assert_eq!(head(&path).unwrap().path, path);
            }
            for climbing in ["/../x", "/a/%2e%2E/b", "/..%2F..%2Fx", "/a%0d%0ab", "/a\\b"] {
                assert!(head(&format!("{place}{climbing}")).is_err(), "{climbing}");
            }
            // Up to there it is read as strictly as ever.
            let bent = place.replace("/v1/n", "/v1//n");
            assert_eq!(
                head(&format!("{bent}/b//a")).unwrap().path,
                format!("{place}/b//a")
            );
        }
        for elsewhere in [
            "/clusters/m/apis/x/v1/namespaces/a/services/s/proxy/a%2Fb",
            "/clusters/m/api/v1/namespaces/a/configmaps/c/proxy/a%2Fb",
            "/clusters/m/api/v1/namespaces/a/services/proxy/a%2Fb",
            "/clusters/m/x/api/v1/nodes/n/proxy/a%2Fb",
            "/api/v1/cube/proxy/clusters/a%2Fb",
            "/kapis/v1/nodes/n/proxy/a%2Fb",
        ] {
            assert!(head(elsewhere).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn a_head_that_is_too_long_or_has_names_of_two_readings_is_refused_in_words() {
        let long = format!("/api?{}", "a".repeat(1 << 10));
        assert_eq!(head(&long).unwrap_err().status, 431);
        let odd = Headers::of(&[(":path", "/api"), ("x_remote_user", "admin")]);
        let reply = RequestHead::parse(&odd, 1 << 10).unwrap_err();
        assert_eq!(reply.status, 400);
        assert!(
            String::from_utf8(reply.body)
                .unwrap()
                .contains("x_remote_user")
        );
    }
}
