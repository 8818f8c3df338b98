//! A slash too many, or too few, at the end of a path: where KubeCube's web framework redirects,
//! so do we, before anybody is asked for a token.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::ApiError;

/// 301 for GET (with the little page that Go's net/http writes), 307 for the rest.
/// Registered beside each operation, so the target is always a path of this API.
pub(super) async fn redirect(method: Method, uri: Uri) -> Result<Response, ApiError> {
    let path = other_form(uri.path());
    let location = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let value = HeaderValue::from_str(&location).map_err(|_| ApiError::PageNotFound)?;
    if method != Method::GET {
        return Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, value)]).into_response());
    }
    let body = format!(
        "<a href=\"{}\">Moved Permanently</a>.\n\n",
        escape(&location)
    );
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    Ok((
        StatusCode::MOVED_PERMANENTLY,
        [(header::LOCATION, value), (header::CONTENT_TYPE, html)],
        Body::from(body),
    )
        .into_response())
}

/// Returns a path without the slash at its end, or with one.
pub(super) fn other_form(path: &str) -> String {
    match path.trim_end_matches('/') {
        short if short.len() < path.len() => short.to_owned(),
        path => format!("{path}/"),
    }
}

/// Go's `htmlEscape`.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}
