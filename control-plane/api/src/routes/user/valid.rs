//! `GET /user/valid/{name}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::UserValid;

use crate::extract::Caller;
use crate::{ApiError, AppState, respond};

/// Whether there is a user of that name.
///
/// Nobody but administrators learns who there is.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/valid/{name}",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    responses((status = 200, description = "Whether there is such a user", body = UserValid)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    // A name that is no UTF-8 is nobody's.
    let Path(name) = name.map_err(|_| ApiError::PageNotFound)?;
    caller.must_be(&name)?;
    Ok(respond::json(&UserValid {
        is_valid: state.store.get_user(&name).await?.is_some(),
    }))
}
