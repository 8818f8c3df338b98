//! `GET /openapi.json`, `/openapi/v3` and `/openapi/v2`: this API, described; open.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};

use crate::openapi;

type Document = ([(HeaderName, HeaderValue); 1], Bytes);

/// The document, written once.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "process",
    summary = "This document",
    responses((status = 200, description = "An OpenAPI 3 document", body = Object, content_type = "application/json"))
)]
pub(crate) async fn handler() -> Document {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::document().into());
    json(&DOCUMENT)
}

/// The same, where KubeSphere has it.
#[utoipa::path(
    get,
    path = "/openapi/v3",
    tag = "process",
    summary = "This document, where KubeSphere has it",
    responses((status = 200, description = "An OpenAPI 3 document", body = Object, content_type = "application/json"))
)]
pub(crate) async fn v3() -> Document {
    handler().await
}

/// The same in the form that KubeSphere and Kubernetes have there.
#[utoipa::path(
    get,
    path = "/openapi/v2",
    tag = "process",
    summary = "This document in the older form",
    responses((status = 200, description = "A Swagger 2.0 document", body = Object, content_type = "application/json"))
)]
pub(crate) async fn v2() -> Document {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::swagger().into());
    json(&DOCUMENT)
}

fn json(document: &Bytes) -> Document {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], document.clone())
}
