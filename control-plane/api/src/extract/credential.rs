//! Where a request carries its token, and whether a browser sent it along for another site.

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use cubegate_token::{Claims, UnverifiedToken, carrier};

use super::identity::identify_within_bounds;
use crate::error::{KubeSphereError, OauthError};
use crate::extract::{Identity, identify};
use crate::{ApiError, AppState};

/// A token and how it came: a cookie is sent by a browser without its user's
/// doing, so a write by cookie needs a second look.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) token: UnverifiedToken,
    pub(super) by_cookie: bool,
}

/// Whose good token the `Authorization` header carries, if anybody's: who calls under
/// `/oauth`, where cookies count for nothing.
pub(crate) struct Bearer(pub(crate) Option<Identity>);

/// What the token of whoever logs out says; nothing when there is none that is good.
/// A request from a page of another site ends no session.
pub(crate) struct LeavingCaller(pub(crate) Option<Claims>);

/// Returns the token of the `Authorization` header, or, only when there is no such header,
/// of the cookie of that name. `None`: there is none, or none in the form `Bearer <token>`.
pub(super) fn find(headers: &HeaderMap) -> Option<Credential> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Some(Credential {
            token: bearer(headers)?,
            by_cookie: false,
        });
    }
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    Some(Credential {
        token: carrier::cookie(cookies)?,
        by_cookie: true,
    })
}

fn bearer(headers: &HeaderMap) -> Option<UnverifiedToken> {
    carrier::bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// Returns whether the headers that only a browser sets speak of another site.
pub(crate) fn is_cross_site(headers: &HeaderMap, uri: &Uri) -> bool {
    let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    // HTTP/2 has the host in the request line.
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => value(header::HOST.as_str()),
    };
    carrier::is_cross_site(
        value("sec-fetch-site"),
        value(header::ORIGIN.as_str()),
        host,
    )
}

/// Returns whether an operator lets the pages of the request's origin call
/// (`--cors-origin`).
pub(crate) fn is_of_allowed_origin(headers: &HeaderMap, allowed: &BTreeSet<String>) -> bool {
    headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| allowed.contains(origin))
}

/// Whoever may reach clusters with the token of the `Authorization` header, and which: a
/// bounded key is good here, within its bounds.
pub(crate) struct Reaching {
    clusters: Vec<String>,
}

// === impl Reaching ===

impl Reaching {
    /// Returns whether its token is for this cluster.
    pub(crate) fn reaches(&self, cluster: &str) -> bool {
        self.clusters.is_empty() || self.clusters.iter().any(|one| one == cluster)
    }
}

impl FromRequestParts<AppState> for Reaching {
    type Rejection = KubeSphereError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, KubeSphereError> {
        let token = bearer(&parts.headers).ok_or(KubeSphereError::Unauthorized)?;
        let identity = identify_within_bounds(state, &token, parts.extensions.get()).await?;
        let claims = identity.ok_or(KubeSphereError::Unauthorized)?.claims;
        Ok(Self {
            clusters: claims.scope.map(|scope| scope.clusters).unwrap_or_default(),
        })
    }
}

// === impl Bearer ===

impl FromRequestParts<AppState> for Bearer {
    type Rejection = OauthError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, OauthError> {
        match bearer(&parts.headers) {
            Some(token) => Ok(Self(identify(state, &token, parts.extensions.get()).await?)),
            None => Ok(Self(None)),
        }
    }
}

// === impl LeavingCaller ===

impl FromRequestParts<AppState> for LeavingCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Some(credential) = find(&parts.headers) else {
            return Ok(Self(None));
        };
        if credential.by_cookie && is_cross_site(&parts.headers, &parts.uri) {
            return Err(ApiError::Forbidden);
        }
        let found = identify(state, &credential.token, parts.extensions.get()).await?;
        Ok(Self(found.map(|identity| identity.claims)))
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
