//! `GET /openapi.json`: this API, described; open.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};

use crate::openapi;

/// The document, written once.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "process",
    summary = "This document",
    responses((status = 200, description = "An OpenAPI 3 document", body = Object, content_type = "application/json"))
)]
pub(crate) async fn handler() -> ([(HeaderName, HeaderValue); 1], Bytes) {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document().into());
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], DOCUMENT.clone())
}
