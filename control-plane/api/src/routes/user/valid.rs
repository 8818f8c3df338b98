//! `GET /user/valid/{name}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::UserValid;

use crate::extract::Caller;
use crate::{ApiError, AppState, respond};

/// Whether there is such a user; nobody but administrators learns who there is.
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
