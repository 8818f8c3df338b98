//! `POST /user/{name}/unlock`

use axum::extract::State;
use axum::response::Response;

use crate::extract::{Admin, UserName, WritingCaller};
use crate::{ApiError, AppState, respond};

/// Let a user in again whose password was being guessed, for administrators.
///
/// Takes away the lock of a user whose password was being guessed. Addresses that the
/// user has logged in from before were not locked. KubeCube has no such call.
#[utoipa::path(
    post,
    path = "/api/v1/cube/user/{name}/unlock",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "The user may log in from everywhere", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Admin(WritingCaller(caller)): Admin<WritingCaller>,
    UserName(name): UserName,
) -> Result<Response, ApiError> {
    state.store.unlock_user(&name, state.clock.now()).await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        "a user was unlocked"
    );
    Ok(respond::success())
}
