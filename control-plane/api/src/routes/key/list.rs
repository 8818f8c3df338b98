//! `GET /key`: the caller's keys, without their secrets.

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::KeyList;

use crate::extract::Caller;
use crate::{ApiError, AppState, respond, views};

/// The caller's access keys.
///
/// All of them: no paging and no total, as documented.
#[utoipa::path(
    get,
    path = "/api/v1/cube/key",
    tag = "keys",
    responses((status = 200, description = "The caller's keys without their secrets, the oldest first", body = KeyList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let now = state.clock.now();
    let keys = state.store.list_keys(&caller.user.name).await?;
    Ok(respond::json(&views::keys(keys, now)))
}
