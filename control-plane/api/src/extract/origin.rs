//! Whether a browser sent a request on behalf of another site.

use axum::http::{HeaderMap, Uri, header};

/// Whether the headers that only a browser sets, and no page can, speak of
/// another site. Clients that are no browser send neither and pass.
pub(super) fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let cross_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"));
    let foreign_origin = headers.get(header::ORIGIN).is_some_and(|origin| {
        !origin
            .to_str()
            .is_ok_and(|origin| is_ours(origin, headers, uri))
    });
    cross_site || foreign_origin
}

/// Whether the origin's host is the one that was asked. An opaque origin
/// (`null`) is nobody's.
fn is_ours(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let host = match (uri.authority(), headers.get(header::HOST)) {
        // HTTP/2 has the host in the request line.
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().unwrap_or_default(),
        (None, None) => return false,
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let bare = |host: &str| {
        host.strip_suffix(default_port)
            .unwrap_or(host)
            .to_ascii_lowercase()
    };
    !authority.is_empty() && bare(authority) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert(header::HOST, "gw.example:30443".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        is_foreign(&map, &Uri::from_static("/x"))
    }

    #[test]
    fn other_sites_are_foreign() {
        assert!(foreign(&[("sec-fetch-site", "cross-site")]));
        for origin in [
            "https://evil.example",
            "https://gw.example",
            "https://gw.example:1",
            "null",
            "",
            "https://",
        ] {
            assert!(foreign(&[("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn our_own_pages_and_programs_are_not() {
        assert!(!foreign(&[]));
        assert!(!foreign(&[
            ("origin", "https://GW.example:30443"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(!foreign(&[
            ("origin", "https://gw.example"),
            ("host", "gw.example:443")
        ]));
        assert!(!foreign(&[
            ("origin", "http://gw.example:80"),
            ("host", "gw.example")
        ]));
    }
}
