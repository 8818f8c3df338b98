//! The body, up to the limit.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tokio::time::{Instant, timeout};

use crate::extract::caller::look_again;
use crate::{ApiError, AppState};

/// A body that takes longer is not waited for.
const LONGEST: Duration = Duration::from_secs(30);

/// After a body that took so long who calls is looked at again.
const SLOW: Duration = Duration::from_secs(1);

/// The body's bytes; `Content-Type` is each handler's business.
pub(crate) struct RawBody(pub(crate) Bytes);

// === impl RawBody ===

impl FromRequest<AppState> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let request = Request::from_parts(parts.clone(), body);
        let began = Instant::now();
        let bytes = timeout(LONGEST, Bytes::from_request(request, state))
            .await
            .map_err(|_| ApiError::BodyTooSlow)?
            .map_err(|rejection| match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge,
                _ => ApiError::BodyFormatInvalid,
            })?;
        if holds_nul(&bytes) {
            return Err(ApiError::Nul);
        }
        if began.elapsed() >= SLOW {
            look_again(&mut parts, state).await?;
        }
        Ok(Self(bytes))
    }
}

/// Returns whether a text in the body holds a NUL character: written as JSON or as a form
/// has it (the first character tells the two apart), or as it is.
fn holds_nul(body: &[u8]) -> bool {
    if body.contains(&0) {
        return true;
    }
    if body.trim_ascii_start().first() != Some(&b'{') {
        return body.windows(3).any(|part| part == b"%00");
    }
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        if escape.starts_with(b"u0000") {
            return true;
        }
        // Also past a second backslash, which begins no escape.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_character_is_found_in_every_form() {
        for body in [
            &b"a=%00"[..],
            b"a=b\0",
            b"{\"a\":\"\\u0000\"}",
            b" {\"a\":\"\\\\\\u0000\"}",
            b"{\0}",
        ] {
            assert!(holds_nul(body), "{body:?}");
        }
        for body in [
            &b""[..],
            b"a=%2500",
            b"{\"a\":\"\\\\u0000\"}",
            b"{\"a\":\"\\u00001 %00\"}".split_at(7).0,
            b"{\"a\":\"%00 u0000\"}",
            b"{\"a\":\"\\",
        ] {
            assert!(!holds_nul(body), "{body:?}");
        }
    }
}
