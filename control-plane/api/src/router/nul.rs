//! No text of ours holds a NUL character: PostgreSQL can neither keep one nor look for
//! it, and what SQLite could is of no use to anybody.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::ApiError;
use crate::error::OauthError;

/// Refuses a URL with one; bodies are looked at by `RawBody`.
pub(super) async fn refuse(request: Request, next: Next) -> Response {
    let uri = request.uri();
    // Decoded once, `%2500` is the text `%00`; it does not hold these three characters.
    let holds = |part: &str| part.contains("%00");
    if !holds(uri.path()) && !uri.query().is_some_and(holds) {
        return next.run(request).await;
    }
    let mut response = if uri.path().starts_with("/oauth/") {
        OauthError::Nul.into_response()
    } else {
        ApiError::Nul.into_response()
    };
    // The routes, which would say so, are not reached.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
