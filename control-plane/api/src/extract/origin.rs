//! Whether a browser sent a request on behalf of another site.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use cubegate_token::carrier;

/// Whether the headers that only a browser sets speak of another site.
pub(super) fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
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
