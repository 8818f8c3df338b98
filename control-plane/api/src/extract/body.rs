//! The body, up to the limit.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;

use crate::{ApiError, AppState};

/// The body's bytes; `Content-Type` is each handler's business.
pub(crate) struct RawBody(pub(crate) Bytes);

// === impl RawBody ===

impl FromRequest<AppState> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) => match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => Err(ApiError::BodyTooLarge),
                _ => Err(ApiError::BodyFormatInvalid),
            },
        }
    }
}
