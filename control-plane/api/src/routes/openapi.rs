//! `GET /openapi.json`, `/openapi/v3` and `/openapi/v2`: this API, described; open.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};

use crate::openapi;

type Document = ([(HeaderName, HeaderValue); 1], Bytes);

/// This document.
///
/// An OpenAPI 3.1 document, written once.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "process",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object, content_type = "application/json", example = json!({ "openapi": "3.1.0", "info": { "title": "Cubegate" } })))
)]
pub(crate) async fn handler() -> Document {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document().into());
    json(&DOCUMENT)
}

/// This document, where KubeSphere has it.
///
/// An OpenAPI 3.1 document.
#[utoipa::path(
    get,
    path = "/openapi/v3",
    tag = "process",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object, content_type = "application/json", example = json!({ "openapi": "3.1.0", "info": { "title": "Cubegate" } })))
)]
pub(crate) async fn v3() -> Document {
    handler().await
}

/// This document in the older form.
///
/// A Swagger 2.0 document, which KubeSphere and Kubernetes have there.
#[utoipa::path(
    get,
    path = "/openapi/v2",
    tag = "process",
    responses((status = 200, description = "A Swagger 2.0 document", body = Object, content_type = "application/json", example = json!({ "swagger": "2.0", "info": { "title": "Cubegate" } })))
)]
pub(crate) async fn v2() -> Document {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::swagger().into());
    json(&DOCUMENT)
}

fn json(document: &Bytes) -> Document {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], document.clone())
}
