//! `GET /healthz`, `GET /livez`, `GET /readyz`: for the machinery around the process, open.

use axum::extract::State;
use cubegate_api_types::cube::ErrorBody;

use crate::{ApiError, AppState};

/// The process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "process",
    responses((status = 200, description = "The process answers", body = String))
)]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// The same under the name that Kubernetes has for it.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "process",
    responses((status = 200, description = "The process answers", body = String))
)]
pub(crate) async fn livez() -> &'static str {
    "ok"
}

/// The process answers and so does its database.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "process",
    responses((status = 200, description = "The process answers and so does its database", body = String), (status = 503, description = "The database does not answer", body = ErrorBody))
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    state.store.ping().await.map_err(ApiError::NotReady)?;
    Ok("ok")
}
