//! Where HTTP carries a token, as text: the filter and the control plane read the
//! same header values, and must never disagree about what they say.

use percent_encoding::percent_decode_str;

use crate::UnverifiedToken;

/// The name of KubeCube's cookie, the same as the header's.
pub const COOKIE_NAME: &str = "Authorization";

/// The same cookie under a name that a browser lets nobody set but this host itself, over
/// TLS (RFC 6265bis, 4.1.3.2). A page of a neighbouring domain may set the other one for
/// all of them, and so make somebody act as somebody else.
pub const HOST_COOKIE_NAME: &str = "__Host-Authorization";

/// Returns the token of an `Authorization` value, `Bearer <token>`, split at single blanks
/// as KubeCube does: two blanks make an empty token, which is none, and what comes
/// behind the token does not count. A value with a comma in the token is two
/// headers that a proxy has joined, and none.
pub fn bearer(value: &str) -> Option<UnverifiedToken> {
    let mut parts = value.split(' ');
    let (scheme, token) = (parts.next()?, parts.next()?);
    let usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(',');
    usable.then(|| UnverifiedToken::new(token))
}

/// Returns the token of the first cookie named [`HOST_COOKIE_NAME`], or, when there is none of that
/// name, [`COOKIE_NAME`]. `values` are those of the `Cookie` headers; the blank may be
/// written ` `, `+` or `%20`.
pub fn cookie<'a>(values: impl Iterator<Item = &'a str>) -> Option<UnverifiedToken> {
    let (mut own, mut plain) = (None, None);
    let pairs = values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    for (name, value) in pairs {
        match name {
            HOST_COOKIE_NAME => own = own.or(Some(value)),
            COOKIE_NAME => plain = plain.or(Some(value)),
            _ => {}
        }
    }
    let value = own.or(plain)?.trim_matches('"').replace('+', " ");
    bearer(&percent_decode_str(&value).decode_utf8().ok()?)
}

/// Returns whether the headers that only a browser sets, and no page can, say that another
/// site made this request: `Sec-Fetch-Site` (Fetch Metadata), and `Origin` (RFC
/// 6454) against the host that was asked. A browser sends cookies by itself, so a
/// write that is authenticated by one needs this look. Clients that are no browser
/// send neither and pass.
pub fn is_cross_site(
    sec_fetch_site: Option<&[u8]>,
    origin: Option<&[u8]>,
    host: Option<&[u8]>,
) -> bool {
    let cross_site = sec_fetch_site.is_some_and(|site| {
        !site.eq_ignore_ascii_case(b"same-origin") && !site.eq_ignore_ascii_case(b"none")
    });
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let foreign = origin
        .is_some_and(|origin| !is_origin_of(text(origin), host.map(text).unwrap_or_default()));
    cross_site || foreign
}

/// Returns whether an origin's host is the one that was asked. An opaque origin (`null`)
/// never is.
fn is_origin_of(origin: &str, host: &str) -> bool {
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

    #[test]
    fn the_header_is_split_at_single_blanks() {
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER a.b.c",
            "Bearer a.b.c junk",
        ] {
            assert_eq!(
                bearer(value),
                Some(UnverifiedToken::new("a.b.c")),
                "{value}"
            );
        }
        for value in [
            "a.b.c",
            "Bearer",
            "Bearer ",
            "Bearer  a.b.c",
            "Basic a",
            "Bearer\ta",
            "Bearer a,b",
            "",
        ] {
            assert_eq!(bearer(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_cookie_may_hold_its_blank_in_any_form() {
        for value in [
            "Authorization=Bearer+a.b.c",
            "Authorization=Bearer%20a.b.c",
            "Authorization=Bearer a.b.c",
            "Authorization=\"Bearer a.b.c\"",
            "x=1; Authorization=Bearer+a.b.c; y=2",
            "authorization=Bearer+no; Authorization=Bearer+a.b.c; Authorization=Bearer+later",
        ] {
            assert_eq!(
                cookie([value].into_iter()),
                Some(UnverifiedToken::new("a.b.c")),
                "{value}"
            );
        }
        assert_eq!(
            cookie(["Other=Bearer+a", "Authorization="].into_iter()),
            None
        );
    }

    #[test]
    fn the_cookie_that_nobody_else_can_set_counts_before_the_other() {
        for values in [
            &["Authorization=Bearer+planted; __Host-Authorization=Bearer+a.b.c"][..],
            &[
                "__Host-Authorization=Bearer+a.b.c",
                "Authorization=Bearer+planted",
            ],
            &["__Host-Authorization=Bearer+a.b.c"],
            &["Authorization=Bearer+a.b.c"],
        ] {
            assert_eq!(
                cookie(values.iter().copied()),
                Some(UnverifiedToken::new("a.b.c")),
                "{values:?}"
            );
        }
        // A bad one is not rescued by the other.
        let values = ["__Host-Authorization=junk; Authorization=Bearer+a.b.c"];
        assert_eq!(cookie(values.into_iter()), None);
    }

    #[test]
    fn another_site_is_told_by_fetch_metadata_or_origin() {
        let site = |site: &str| is_cross_site(Some(site.as_bytes()), None, None);
        assert!(site("cross-site") && site("same-site"));
        assert!(!site("same-origin") && !site("none"));

        let from = |origin: &str, host: &str| {
            is_cross_site(None, Some(origin.as_bytes()), Some(host.as_bytes()))
        };
        for origin in [
            "https://evil.example",
            "https://gw.example",
            "https://gw.example:1",
            "null",
            "",
            "https://",
        ] {
            assert!(from(origin, "gw.example:30443"), "{origin}");
        }
        assert!(!from("https://GW.example:30443", "gw.example:30443"));
        assert!(!from("https://gw.example", "gw.example:443"));
        assert!(!from("http://gw.example:80", "gw.example"));
        assert!(!is_cross_site(None, None, Some(b"gw")));
    }
}
