//! `DELETE /key?accessKey=`: one of the caller's keys.

use axum::extract::State;
use axum::response::Response;

use crate::audit::Note;
use crate::extract::{Query, WritingCaller};
use crate::routes::key::attributes;
use crate::{ApiError, AppState, respond};

/// Delete one of the caller's access keys.
///
/// An administrator deletes the own keys only, too. What was made with the key's tokens
/// goes with it.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/key",
    tag = "keys",
    params(("accessKey" = String, Query, description = "The key's name")),
    responses((status = 200, description = "The key is gone, and so are those that were made with its tokens", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    note: Note,
    query: Query,
) -> Result<Response, ApiError> {
    let access_key = query.first("accessKey");
    let until = state.revoked_until(state.clock.now());
    let owner = Some(caller.user.name.as_str());
    let outcome = state.store.delete_key(&access_key, owner, until).await;
    attributes::changed(&note, &access_key, outcome)?;
    Ok(respond::success())
}
