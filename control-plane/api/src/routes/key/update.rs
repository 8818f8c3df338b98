//! `PUT /key?accessKey=`: what is said about one of the caller's keys.

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{KeyUpdateRequest, message};
use cubegate_domain::KeyChange;

use crate::audit::Note;
use crate::extract::{Query, RawBody, WritingCaller};
use crate::routes::key::attributes;
use crate::{ApiError, AppState, respond};

/// Change name, description, expiry or scope of one of the caller's access keys.
///
/// Another scope or expiry takes back the tokens made from the key so far: they carry
/// the old one.
#[utoipa::path(
    put,
    path = "/api/v1/cube/key",
    tag = "keys",
    params(("accessKey" = String, Query, description = "The key's name")),
    request_body(content = KeyUpdateRequest),
    responses((status = 200, description = "The key is changed", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    note: Note,
    query: Query,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let KeyUpdateRequest {
        name,
        description,
        expires_at,
        scope,
    } = attributes::body(&body)?;
    let expires_at = match expires_at {
        Some(Some(text)) => Some(Some(attributes::time(&text)?)),
        Some(None) => Some(None),
        None => None,
    };
    let change = KeyChange {
        name,
        description,
        expires_at,
        scope: scope.map(Option::unwrap_or_default),
        // Not its owner's to say.
        limits: None,
    };
    if change.is_empty() {
        let detail = "say what is to be changed: name, description, expiresAt or scope.";
        return Err(ApiError::BadRequest(message::bad_request(detail)));
    }
    if let Some(scope) = &change.scope {
        attributes::check_clusters(&state, scope).await?;
    }
    let access_key = query.first("accessKey");
    attributes::check_reach(&state, &caller, &access_key).await?;
    let now = state.clock.now();
    let until = state.revoked_until(now);
    let owner = Some(caller.user.name.as_str());
    let update = state
        .store
        .update_key(&access_key, owner, change, now, until);
    attributes::changed(&note, &access_key, update.await)?;
    Ok(respond::success())
}
