//! `GET` and `DELETE /user/{name}/sessions`, and `DELETE /user/{name}/sessions/{id}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::{UserSessions, message};
use serde::Deserialize;

use crate::extract::{Caller, OwnName, WritingCaller};
use crate::{ApiError, AppState, respond, views};

/// The variable of a path that names the session.
#[derive(Deserialize)]
pub(crate) struct Named {
    id: String,
}

/// The sessions of a user.
///
/// For the user itself and for administrators.
/// The logins and kubeconfigs of a user that go on, the newest first, of either the newest 100
/// at most. Tokens of keys are of no session.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/{name}/sessions",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "The sessions that go on, the newest first", body = UserSessions)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    OwnName { name, .. }: OwnName<Caller>,
) -> Result<Response, ApiError> {
    let logins = state.store.list_logins(&name, state.clock.now()).await?;
    let items: Vec<_> = logins.into_iter().map(views::session).collect();
    Ok(respond::json(&UserSessions {
        total: items.len(),
        items,
    }))
}

/// End all sessions of a user.
///
/// For the user itself and for administrators.
/// Refuses all tokens that the user has until now, also those
/// of kubeconfigs and of its keys. The keys stay, and give others.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/user/{name}/sessions",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "The user's tokens until now are refused", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn end_all(
    State(state): State<AppState>,
    OwnName {
        caller: WritingCaller(caller),
        name,
    }: OwnName<WritingCaller>,
) -> Result<Response, ApiError> {
    let until = state.revoked_until(state.clock.now());
    state.store.end_all_sessions(&name, until).await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        "all sessions of a user were ended"
    );
    Ok(respond::success())
}

/// End a session of a user.
///
/// For the user itself and for administrators.
/// Ends one of them, with all of its tokens.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/user/{name}/sessions/{id}",
    tag = "users",
    params(("name" = String, Path, description = "The user"), ("id" = String, Path, description = "The session")),
    responses((status = 200, description = "The session's tokens are refused", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn end(
    State(state): State<AppState>,
    OwnName {
        caller: WritingCaller(caller),
        name,
    }: OwnName<WritingCaller>,
    named: Result<Path<Named>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path(Named { id }) = named.map_err(|_| ApiError::PageNotFound)?;
    if !state.store.has_login(&name, &id).await? {
        let detail = format!("user {name} has no session {id}.");
        return Err(ApiError::BadRequest(message::bad_request(&detail)));
    }
    let now = state.clock.now();
    state
        .store
        .end_session(&id, &name, state.session_until(now), now)
        .await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        "a session of a user was ended"
    );
    Ok(respond::success())
}
