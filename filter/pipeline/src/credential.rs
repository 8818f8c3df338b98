//! Where a request carries its token.
//!
//! In this order: the `Authorization` header, the WebSocket sub-protocol that
//! browsers use for exec (Kubernetes' own convention), and on KubeCube paths the
//! `Authorization` cookie. What stands first counts alone: a bad header is not
//! rescued by a good cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_token::UnverifiedToken;
use percent_encoding::percent_decode_str;

use crate::reply::Family;
use crate::{Headers, Reply};

/// The sub-protocol that carries a bearer token, from
/// `k8s.io/apiserver/pkg/authentication/request/websocket`.
pub(crate) const WEBSOCKET_BEARER_PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

const COOKIE_NAME: &str = "Authorization";

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
}

/// Finds the request's token.
pub(crate) fn find(family: Family, headers: &Headers) -> Result<Credential, Reply> {
    let none = || Reply::unauthenticated(family);
    let mut authorization = headers.all("authorization");
    if let Some(value) = authorization.next() {
        if authorization.next().is_some() {
            return Err(none());
        }
        let token = std::str::from_utf8(value).ok().and_then(bearer).ok_or_else(none)?;
        return Ok(Credential { token, source: Source::Header });
    }
    if let Some(token) = websocket_token(headers) {
        return Ok(Credential { token, source: Source::WebSocketProtocol });
    }
    if family == Family::Cube
        && let Some(token) = cookie(headers).as_deref().and_then(bearer)
    {
        return Ok(Credential { token, source: Source::Cookie });
    }
    Err(none())
}

/// `Bearer <token>`, split at single blanks as KubeCube does: two blanks make an
/// empty token, what follows the token is ignored.
fn bearer(value: &str) -> Option<UnverifiedToken> {
    let mut parts = value.split(' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    // Envoy joins repeated headers with a comma.
    let usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(',');
    usable.then(|| UnverifiedToken::new(token))
}

fn websocket_token(headers: &Headers) -> Option<UnverifiedToken> {
    headers
        .all("sec-websocket-protocol")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .find_map(|protocol| protocol.trim().strip_prefix(WEBSOCKET_BEARER_PREFIX))
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok())
        .and_then(|token| String::from_utf8(token).ok())
        .map(UnverifiedToken::new)
}

fn cookie(headers: &Headers) -> Option<String> {
    let value = headers
        .all("cookie")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE_NAME).then_some(value)
        })?;
    let plus_decoded = value.replace('+', " ");
    Some(percent_decode_str(&plus_decoded).decode_utf8().ok()?.into_owned())
}

/// Whether a browser says that another site made this request (Fetch Metadata,
/// and `Origin` of RFC 6454 for browsers without it).
pub(crate) fn is_cross_site(headers: &Headers) -> bool {
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
    {
        return true;
    }
    let Some(origin) = headers.get("origin") else { return false };
    let host = headers.get(":authority").unwrap_or_default();
    let origin_host = std::str::from_utf8(origin)
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, host)| host);
    origin_host.is_none_or(|origin_host| !origin_host.as_bytes().eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(
            pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect(),
        )
    }

    fn token(pairs: &[(&str, &str)]) -> Option<(String, Source)> {
        find(Family::Cube, &headers(pairs))
            .ok()
            .map(|found| (found.token.as_str().to_owned(), found.source))
    }

    #[test]
    fn the_header_is_split_at_single_blanks() {
        assert_eq!(token(&[("authorization", "bEaReR t junk")]), Some(("t".into(), Source::Header)));
        for bad in ["t", "Bearer", "Bearer ", "Bearer  t", "Basic t", "Bearer a,b", ""] {
            assert_eq!(token(&[("authorization", bad)]), None, "{bad:?}");
        }
        assert_eq!(token(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]), None);
    }

    #[test]
    fn the_cookie_counts_only_without_a_header_and_only_on_kubecube_paths() {
        for cookie in ["Authorization=Bearer+t", "a=b; Authorization=Bearer%20t", "Authorization=Bearer t"] {
            assert_eq!(token(&[("cookie", cookie)]), Some(("t".into(), Source::Cookie)), "{cookie}");
        }
        assert_eq!(token(&[("authorization", "x"), ("cookie", "Authorization=Bearer+t")]), None);
        let by_cookie = headers(&[("cookie", "Authorization=Bearer+t")]);
        assert_eq!(find(Family::Kube, &by_cookie).unwrap_err().status, 401);
    }

    #[test]
    fn browsers_send_the_token_as_a_websocket_protocol() {
        let protocol = format!("v4.channel.k8s.io, {WEBSOCKET_BEARER_PREFIX}dG9rZW4");
        assert_eq!(
            token(&[("sec-websocket-protocol", &protocol)]),
            Some(("token".into(), Source::WebSocketProtocol))
        );
    }

    #[test]
    fn another_site_is_told_by_fetch_metadata_or_origin() {
        let site = |pairs: &[(&str, &str)]| is_cross_site(&headers(pairs));
        assert!(site(&[("sec-fetch-site", "cross-site")]));
        assert!(!site(&[("sec-fetch-site", "same-origin")]));
        assert!(site(&[(":authority", "gw:443"), ("origin", "https://evil.example")]));
        assert!(site(&[(":authority", "gw:443"), ("origin", "null")]));
        assert!(!site(&[(":authority", "gw:443"), ("origin", "https://gw:443")]));
        assert!(!site(&[]));
    }
}
