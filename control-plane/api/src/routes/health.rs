//! `GET /healthz`, `GET /livez`, `GET /readyz`: for the machinery around the process, open.

use axum::extract::{RawQuery, State};
use cubegate_api_types::cube::ErrorBody;

use crate::{ApiError, AppState, Document};

/// The process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "process",
    responses((status = 200, description = "The process answers", body = String, example = json!("ok")))
)]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// The same under the name that Kubernetes has for it.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "process",
    responses((status = 200, description = "The process answers", body = String, example = json!("ok")))
)]
pub(crate) async fn livez() -> &'static str {
    "ok"
}

/// The process answers and so does its database.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "process",
    responses((status = 200, description = "The process answers and so does its database; with `?verbose` how large what Envoys are told is", body = String, example = json!("ok")), (status = 503, description = "The database does not answer, or what Envoys are told is near the longest that they can be sent", body = ErrorBody))
)]
pub(crate) async fn readyz(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<String, ApiError> {
    state.store.ping().await.map_err(ApiError::NotReady)?;
    // Somebody must look after it before Envoys can no longer be told.
    let near = |document: &&Document| document.is_near_limit();
    if let Some(document) = state.documents.borrow().iter().find(near) {
        return Err(ApiError::NearLimit(document.clone()));
    }
    // As Kubernetes has it: with each check in a line, here with its numbers.
    let verbose = query.is_some_and(|query| query.split('&').any(|pair| pair == "verbose"));
    if !verbose {
        return Ok("ok".to_owned());
    }
    let line = |document: &Document| {
        let Document {
            name,
            bytes,
            limit,
            left_out: _,
        } = document;
        format!("[+]{name}: {bytes} of {limit} bytes\n")
    };
    let documents: String = state.documents.borrow().iter().map(line).collect();
    Ok(format!("[+]database\n{documents}ok\n"))
}
