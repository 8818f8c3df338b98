//! The query as KubeCube reads it: names are case-sensitive, the first value wins.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::extract::form_fields;

/// The raw query, taken apart by name.
pub(crate) struct Query(String);

// === impl Query ===

impl Query {
    /// Returns the first value of a parameter, decoded; empty when it is absent, which no
    /// operation tells apart.
    pub(crate) fn first(&self, name: &str) -> String {
        let [value] = form_fields(self.0.as_bytes(), [name]);
        value.unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}
