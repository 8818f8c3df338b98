//! `GET` and `POST /key/create`: a new key pair for the caller.

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::KeyPair;

use crate::audit::Note;
use crate::extract::Writer;
use crate::{ApiError, AppState, respond};

/// The only answer that shows a secret. It changes something even as a GET.
#[utoipa::path(
    method(get, post),
    path = "/api/v1/cube/key/create",
    tag = "keys",
    summary = "A new access key for the caller",
    responses((status = 200, description = "It is done", body = KeyPair)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Writer(caller): Writer,
    note: Note,
) -> Result<Response, ApiError> {
    let pair = state
        .store
        .create_key(&caller.user.name, state.clock.now())
        .await?;
    note.name(&pair.access_key);
    Ok(respond::json(&KeyPair {
        access_key: pair.access_key,
        secret_key: pair.secret_key,
    }))
}
