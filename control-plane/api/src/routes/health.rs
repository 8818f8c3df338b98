//! `GET /healthz`, `GET /readyz`: for the machinery around the process, open.

use axum::extract::State;

use crate::{ApiError, AppState};

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok"
}

/// The process answers and so does its database.
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    state.store.ping().await.map_err(ApiError::NotReady)?;
    Ok("ok")
}
