//! Where a request carries its token.
//!
//! In this order: the `Authorization` header, the WebSocket sub-protocol that
//! browsers use for exec (Kubernetes' own convention), and on KubeCube paths the
//! `Authorization` cookie. What stands first counts alone: a bad header is not
//! rescued by a good cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_kube::Family;
use cubegate_token::{UnverifiedToken, carrier};

use crate::{Headers, Reply};

/// The sub-protocol that carries a bearer token, from
/// `k8s.io/apiserver/pkg/authentication/request/websocket`.
pub(crate) const WEBSOCKET_BEARER_PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// A token and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) token: UnverifiedToken,
    pub(crate) source: Source,
}

/// Where a token was found. A browser sends cookies by itself, so a write by
/// cookie needs the site checks of [`is_cross_site`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Header,
    WebSocketProtocol,
    Cookie,
    /// It came in exchange for a password; see [`Basic`](crate::basic::Basic).
    Password,
}

/// Finds the request's token; `None` when there is nothing where it could be.
///
/// # Errors
/// The reply to a credential that cannot be read.
pub(crate) fn find(family: Family, headers: &Headers) -> Result<Option<Credential>, Reply> {
    let none = || Reply::unauthenticated(family);
    let mut authorization = headers.all("authorization");
    if let Some(value) = authorization.next() {
        if authorization.next().is_some() {
            return Err(none());
        }
        let token = std::str::from_utf8(value)
            .ok()
            .and_then(carrier::bearer)
            .ok_or_else(none)?;
        return Ok(Some(Credential {
            token,
            source: Source::Header,
        }));
    }
    if let Some(token) = websocket_token(headers) {
        return Ok(Some(Credential {
            token,
            source: Source::WebSocketProtocol,
        }));
    }
    if family == Family::KubeCube
        && let Some(token) = carrier::cookie(text(headers, "cookie"))
    {
        return Ok(Some(Credential {
            token,
            source: Source::Cookie,
        }));
    }
    Ok(None)
}

/// The values of a header that are text.
fn text<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .all(name)
        .filter_map(|value| std::str::from_utf8(value).ok())
}

fn websocket_token(headers: &Headers) -> Option<UnverifiedToken> {
    text(headers, "sec-websocket-protocol")
        .flat_map(|value| value.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(WEBSOCKET_BEARER_PREFIX))
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok())
        .and_then(|token| String::from_utf8(token).ok())
        .map(UnverifiedToken::new)
}

/// Returns whether a browser says that another site made this request.
pub(crate) fn is_cross_site(headers: &Headers) -> bool {
    carrier::is_cross_site(
        headers.get("sec-fetch-site"),
        headers.get("origin"),
        headers.get(":authority"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(pairs: &[(&str, &str)]) -> Option<(String, Source)> {
        find(Family::KubeCube, &Headers::of(pairs))
            .ok()
            .flatten()
            .map(|found| (found.token.as_str().to_owned(), found.source))
    }

    #[test]
    fn the_header_counts_first_and_only_once() {
        assert_eq!(
            token(&[("authorization", "bEaReR t junk")]),
            Some(("t".into(), Source::Header))
        );
        assert_eq!(token(&[("authorization", "")]), None);
        assert_eq!(
            token(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]),
            None
        );
    }

    #[test]
    fn the_cookie_counts_only_without_a_header_and_only_on_kubecube_paths() {
        for cookie in [
            "Authorization=Bearer+t",
            "a=b; Authorization=Bearer%20t",
            "Authorization=Bearer t",
        ] {
            assert_eq!(
                token(&[("cookie", cookie)]),
                Some(("t".into(), Source::Cookie)),
                "{cookie}"
            );
        }
        assert_eq!(
            token(&[("authorization", "x"), ("cookie", "Authorization=Bearer+t")]),
            None
        );
        let by_cookie = Headers::of(&[("cookie", "Authorization=Bearer+t")]);
        assert_eq!(find(Family::Kubernetes, &by_cookie), Ok(None));
    }

    #[test]
    fn browsers_send_the_token_as_a_websocket_protocol() {
        let protocol = format!("v4.channel.k8s.io, {WEBSOCKET_BEARER_PREFIX}dG9rZW4");
        assert_eq!(
            token(&[("sec-websocket-protocol", &protocol)]),
            Some(("token".into(), Source::WebSocketProtocol))
        );
    }
}
