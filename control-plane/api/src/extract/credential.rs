//! Where a request carries its token (contracts.md 1.2).

use axum::http::{HeaderMap, header};
use cubegate_token::UnverifiedToken;

/// The name of the cookie, the same as the header's.
const COOKIE: &str = "Authorization";

/// A token and how it came: a cookie is sent by a browser without its user's
/// doing, so a write by cookie needs a second look.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) token: UnverifiedToken,
    pub(super) by_cookie: bool,
}

/// The token of the `Authorization` header, or, only when there is no such
/// header, of the cookie of that name. `None`: there is none, or none in the form
/// `Bearer <token>`.
pub(super) fn find(headers: &HeaderMap) -> Option<Credential> {
    match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let token = bearer(value.to_str().ok()?)?;
            Some(Credential {
                token,
                by_cookie: false,
            })
        }
        None => Some(Credential {
            token: bearer(&cookie(headers)?)?,
            by_cookie: true,
        }),
    }
}

/// `Bearer <token>`, split at single spaces: two of them make an empty token, and
/// what comes behind the token does not count.
fn bearer(value: &str) -> Option<UnverifiedToken> {
    let mut parts = value.split(' ');
    let (scheme, token) = (parts.next()?, parts.next()?);
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .then(|| UnverifiedToken::new(token))
}

/// The first cookie of our name, with `+` and `%20` decoded to blanks.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let value = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.trim_matches('"'))?;
    // A lone name, so that no `=` or `&` in the value is taken for syntax.
    let escaped = value.replace('&', "%26");
    form_urlencoded::parse(format!("v={escaped}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(headers: &[(&'static str, &str)]) -> Option<(String, bool)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        find(&map).map(|found| (found.token.as_str().to_owned(), found.by_cookie))
    }

    fn header(value: &str) -> Option<(String, bool)> {
        find_in(&[("authorization", value)])
    }

    fn cookie_of(value: &str) -> Option<(String, bool)> {
        find_in(&[("cookie", value)])
    }

    #[test]
    fn the_header_is_split_at_single_spaces() {
        let found = Some(("a.b.c".to_owned(), false));
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER a.b.c",
            "Bearer a.b.c junk",
        ] {
            assert_eq!(header(value), found, "{value}");
        }
        for value in [
            "a.b.c",
            "Bearer",
            "Bearer  a.b.c",
            "Basic a.b.c",
            "Bearer\ta.b.c",
            "",
        ] {
            assert_eq!(header(value), None, "{value}");
        }
    }

    #[test]
    fn the_cookie_may_hold_its_blank_in_any_form() {
        let found = Some(("a.b.c".to_owned(), true));
        for value in [
            "Authorization=Bearer+a.b.c",
            "Authorization=Bearer%20a.b.c",
            "Authorization=Bearer a.b.c",
            "x=1; Authorization=Bearer+a.b.c; y=2",
            "authorization=Bearer+no; Authorization=Bearer+a.b.c; Authorization=Bearer+later",
        ] {
            assert_eq!(cookie_of(value), found, "{value}");
        }
        assert_eq!(cookie_of("Other=Bearer+a.b.c"), None);
        assert_eq!(cookie_of("Authorization="), None);
    }

    #[test]
    fn a_bad_header_is_not_rescued_by_a_good_cookie() {
        let cookie = ("cookie", "Authorization=Bearer+a.b.c");
        assert_eq!(find_in(&[("authorization", "junk"), cookie]), None);
        assert_eq!(find_in(&[("authorization", ""), cookie]), None);
    }
}
