//! Whether a browser sent a request on behalf of another site.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use cubegate_token::carrier;

/// Whether the headers that only a browser sets speak of another site.
pub(crate) fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
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

/// Whether an operator lets the pages of the request's origin call (`--cors-origin`).
pub(crate) fn is_allowed(headers: &HeaderMap, allowed: &BTreeSet<String>) -> bool {
    headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| allowed.contains(origin))
}
