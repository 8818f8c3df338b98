//! Where a request carries its token.

use axum::http::{HeaderMap, header};
use cubegate_token::{UnverifiedToken, carrier};

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
            let token = carrier::bearer(value.to_str().ok()?)?;
            Some(Credential {
                token,
                by_cookie: false,
            })
        }
        None => {
            let cookies = headers
                .get_all(header::COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok());
            Some(Credential {
                token: carrier::cookie(cookies)?,
                by_cookie: true,
            })
        }
    }
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

    #[test]
    fn a_bad_header_is_not_rescued_by_a_good_cookie() {
        let cookie = ("cookie", "Authorization=Bearer+a.b.c");
        assert_eq!(find_in(&[("authorization", "junk"), cookie]), None);
        assert_eq!(find_in(&[("authorization", ""), cookie]), None);
    }
}
