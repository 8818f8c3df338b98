//! `DELETE /user/{name}`

use axum::extract::State;
use axum::response::Response;

use crate::extract::{Admin, UserName, WritingCaller};
use crate::{ApiError, AppState, respond};

/// Delete a user, for administrators.
///
/// Deletes a user with its keys, sessions and groups; its tokens are refused at once, and
/// stay so for a later user of that name. What it has in clusters stays there. KubeCube
/// has no such call.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/user/{name}",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "The user, its keys and its tokens are gone", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Admin(WritingCaller(caller)): Admin<WritingCaller>,
    UserName(name): UserName,
) -> Result<Response, ApiError> {
    let until = state.revoked_until(state.clock.now());
    let keys = state.store.delete_user(&name, until).await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        keys = keys.len(),
        "a user was deleted"
    );
    Ok(respond::success())
}
