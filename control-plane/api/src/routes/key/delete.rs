//! `DELETE /key?accessKey=`: one of the caller's keys.

use axum::extract::State;
use axum::response::Response;
use cubegate_store::DeleteOutcome;

use crate::audit::Note;
use crate::extract::{Query, Writer};
use crate::{ApiError, AppState, respond};

/// An administrator deletes the own keys only, too. What was made with the key's tokens
/// goes with it.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/key",
    tag = "keys",
    summary = "Delete one of the caller's access keys",
    params(("accessKey" = String, Query, description = "The key's name")),
    responses((status = 200, description = "It is done", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Writer(caller): Writer,
    note: Note,
    query: Query,
) -> Result<Response, ApiError> {
    let access_key = query.first("accessKey");
    match state
        .store
        .delete_key(
            &access_key,
            Some(&caller.user.name),
            state.revoked_until(state.clock.now()),
        )
        .await?
    {
        DeleteOutcome::Deleted => {
            note.name(&access_key);
            Ok(respond::success())
        }
        DeleteOutcome::NotFound => Err(ApiError::KeyNotExist),
        DeleteOutcome::NotOwned => {
            note.name(&access_key);
            Err(ApiError::KeyAndUserNotMatch)
        }
    }
}
