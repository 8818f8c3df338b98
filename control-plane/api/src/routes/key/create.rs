//! `GET` and `POST /key/create`: a new key pair for the caller.

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{KeyCreateRequest, KeyPair};
use cubegate_domain::KeyAttributes;
use cubegate_token::KeyLimits;

use crate::audit::Note;
use crate::extract::{Once, RawBody, WritingCaller};
use crate::routes::key::attributes;
use crate::{ApiError, AppState, respond};

/// A new access key for the caller.
///
/// The only answer that shows a secret. It changes something even as a GET. Without a
/// body the key is as KubeCube's are: for all that its owner may do, and for ever, or
/// as long as the key whose token asks for it. Sent again with the same `Idempotency-Key`
/// within a day, it makes no second key.
#[utoipa::path(
    method(get, post),
    path = "/api/v1/cube/key/create",
    tag = "keys",
    params(("Idempotency-Key" = Option<String>, Header, description = "What tells this request from others: 1 to 128 visible ASCII characters, best random ones")),
    request_body(content = Option<KeyCreateRequest>, content_type = "application/json"),
    responses((status = 200, description = "The key and, this once, its secret", body = KeyPair), (status = 409, description = "The same request was done before, by its `Idempotency-Key`", body = cubegate_api_types::cube::ErrorBody)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    note: Note,
    once: Once,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let KeyCreateRequest {
        name,
        description,
        expires_at,
        scope,
    } = attributes::body(&body)?;
    let said = KeyAttributes {
        name,
        description,
        expires_at: expires_at.as_deref().map(attributes::time).transpose()?,
        scope: scope.unwrap_or_default(),
        limits: KeyLimits::NONE,
    };
    attributes::check_clusters(&state, &said.scope).await?;
    let maker = caller.key.as_ref().map(|key| key.access_key.as_str());
    let pair = state
        .store
        .create_key_by(
            maker,
            &caller.user.name,
            said,
            once.key(),
            state.clock.now(),
        )
        .await?;
    note.name(&pair.access_key);
    Ok(respond::json(&KeyPair {
        access_key: pair.access_key,
        secret_key: pair.secret_key,
    }))
}
