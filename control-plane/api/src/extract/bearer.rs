//! Who calls under `/oauth`, if anybody. Cookies count for nothing here.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cubegate_token::{UnverifiedToken, carrier};

use crate::AppState;
use crate::error::OauthError;
use crate::extract::{Identity, identify};

/// Whose good token the `Authorization` header carries.
pub(crate) struct Bearer(pub(crate) Option<Identity>);

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
