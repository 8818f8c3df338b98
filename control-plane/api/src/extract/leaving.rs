//! Who logs out, if anybody.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cubegate_token::Claims;

use crate::extract::{credential, identify, origin};
use crate::{ApiError, AppState};

/// What the token of whoever logs out says; nothing when there is none that is good.
/// Another site logs nobody out.
pub(crate) struct Leaving(pub(crate) Option<Claims>);

// === impl Leaving ===

impl FromRequestParts<AppState> for Leaving {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Some(credential) = credential::find(&parts.headers) else {
            return Ok(Self(None));
        };
        if credential.by_cookie && origin::is_foreign(&parts.headers, &parts.uri) {
            return Err(ApiError::Forbidden);
        }
        let found = identify(state, &credential.token, parts.extensions.get()).await?;
        Ok(Self(found.map(|identity| identity.claims)))
    }
}
