//! Who calls under `/oauth`, if anybody. Cookies count for nothing here.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cubegate_domain::User;
use cubegate_token::{Claims, UnverifiedToken, carrier};

use crate::AppState;
use crate::error::OauthError;
use crate::extract::identify;

/// The user of a good token in the `Authorization` header, and what it says.
pub(crate) struct Bearer(pub(crate) Option<(User, Claims)>);

// === impl Bearer ===

impl FromRequestParts<AppState> for Bearer {
    type Rejection = OauthError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, OauthError> {
        match token(&parts.headers) {
            Some(token) => Ok(Self(identify(state, &token, parts.extensions.get()).await?)),
            None => Ok(Self(None)),
        }
    }
}

fn token(headers: &HeaderMap) -> Option<UnverifiedToken> {
    carrier::bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}
