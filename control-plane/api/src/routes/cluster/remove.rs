//! `DELETE /clusters/{name}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::audit::Note;
use crate::extract::{Admin, WritingCaller};
use crate::{ApiError, AppState, respond};

/// Remove a cluster, for administrators.
///
/// Requests to it are answered `cluster X not found.` as soon as Envoys know.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/clusters/{name}",
    tag = "clusters",
    params(("name" = String, Path, description = "The cluster")),
    responses((status = 200, description = "The cluster is registered no more", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<WritingCaller>,
    note: Note,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    // A name that is no UTF-8 names nothing.
    let Path(name) = name.map_err(|_| ApiError::PageNotFound)?;
    note.cluster(&name);
    if !state.store.remove_cluster(&name).await? {
        return Err(ApiError::ClusterNotFound(name));
    }
    tracing::info!(cluster.name = name, "a cluster was removed");
    Ok(respond::success())
}
