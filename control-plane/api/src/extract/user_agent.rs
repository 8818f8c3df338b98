//! What a client says to be.

use axum::http::{HeaderMap, header};

/// Returns the program in its own words; empty when it says nothing that can be read.
pub(crate) fn user_agent(headers: &HeaderMap) -> String {
    headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
