//! `DELETE /key?accessKey=`: one of the caller's keys.

use axum::extract::State;
use axum::response::Response;
use cubegate_store::DeleteOutcome;

use crate::extract::{Query, Writer};
use crate::{ApiError, AppState, respond};

/// An administrator deletes the own keys only, too.
pub(crate) async fn handler(
    State(state): State<AppState>,
    Writer(caller): Writer,
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
        DeleteOutcome::Deleted => Ok(respond::success()),
        DeleteOutcome::NotFound => Err(ApiError::KeyNotExist),
        DeleteOutcome::NotOwned => Err(ApiError::KeyAndUserNotMatch),
    }
}
