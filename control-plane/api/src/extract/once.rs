//! `Idempotency-Key`, which tells a request that is sent again from another one
//! (draft-ietf-httpapi-idempotency-key-header; taken with and without its quotes).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cubegate_api_types::cube::message;
use cubegate_store::IdempotencyKey;

use crate::ApiError;

const HEADER: &str = "idempotency-key";

/// What the request is called, if it is to be done once.
pub(crate) struct Once(Option<IdempotencyKey>);

// === impl Once ===

impl Once {
    /// Returns that name.
    pub(crate) fn key(&self) -> Option<&IdempotencyKey> {
        self.0.as_ref()
    }
}

impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        let quoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        match IdempotencyKey::parse(quoted.unwrap_or(text)) {
            Some(key) => Ok(Self(Some(key))),
            None => Err(ApiError::BadRequest(message::bad_request(
                "Idempotency-Key must be 1 to 128 visible ASCII characters.",
            ))),
        }
    }
}
