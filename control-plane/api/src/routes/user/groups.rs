//! `GET /user/{name}/groups`, and `PUT` and `DELETE /user/{name}/groups/{group}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::UserGroups;
use cubegate_token::check_group_name;
use serde::Deserialize;

use crate::extract::{Admin, Caller, UserName, WritingCaller};
use crate::{ApiError, AppState, respond};

/// The variable of a path that names the group.
#[derive(Deserialize)]
pub(crate) struct Named {
    group: String,
}

/// The groups of a user, for administrators.
///
/// The groups that a user's tokens carry beside `kubecube`.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/{name}/groups",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "The groups in the order of their bytes", body = UserGroups)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
    UserName(name): UserName,
) -> Result<Response, ApiError> {
    let user = state.store.get_user(&name).await?;
    let items = user.ok_or(ApiError::NoSuchUser)?.groups;
    Ok(respond::json(&UserGroups {
        total: items.len(),
        items,
    }))
}

/// Put a user into a group, for administrators.
///
/// Tokens that are made from now on carry the group.
#[utoipa::path(
    put,
    path = "/api/v1/cube/user/{name}/groups/{group}",
    tag = "users",
    params(("name" = String, Path, description = "The user"), ("group" = String, Path, description = "The group; `cubegate:admins` manages the gateway")),
    responses((status = 200, description = "The user is in the group", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    Admin(WritingCaller(caller)): Admin<WritingCaller>,
    UserName(name): UserName,
    named: Result<Path<Named>, PathRejection>,
) -> Result<Response, ApiError> {
    let group = group(named)?;
    check_group_name(&group).map_err(|_| ApiError::ParamInvalid("group"))?;
    state
        .store
        .add_groups(&name, std::slice::from_ref(&group))
        .await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        group,
        "a user was put into a group"
    );
    Ok(respond::success())
}

/// Take a user out of a group, for administrators.
///
/// Tokens that carry the group are refused at once.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/user/{name}/groups/{group}",
    tag = "users",
    params(("name" = String, Path, description = "The user"), ("group" = String, Path, description = "The group")),
    responses((status = 200, description = "The user is not in the group", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Admin(WritingCaller(caller)): Admin<WritingCaller>,
    UserName(name): UserName,
    named: Result<Path<Named>, PathRejection>,
) -> Result<Response, ApiError> {
    let group = group(named)?;
    let until = state.revoked_until(state.clock.now());
    state
        .store
        .remove_groups(&name, std::slice::from_ref(&group), until)
        .await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        group,
        "a user was taken out of a group"
    );
    Ok(respond::success())
}

fn group(named: Result<Path<Named>, PathRejection>) -> Result<String, ApiError> {
    let Path(Named { group }) = named.map_err(|_| ApiError::PageNotFound)?;
    Ok(group)
}
