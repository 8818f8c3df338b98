//! `GET /key/token?accessKey=&secretKey=`, as documented, and `POST /key/token` with
//! both in the body, which keeps the secret out of the access logs on the way.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use cubegate_api_types::cube::TokenAnswer;
use cubegate_domain::UserState;
use cubegate_store::{KeyCheck, KeyUse};

use crate::audit::Note;
use crate::extract::{Caller, ClientIp, Query, RawBody, form_fields, json_fields};
use crate::{ApiError, AppState, respond};

const NAMES: [&str; 2] = ["accessKey", "secretKey"];

/// A token for an access key.
///
/// With the key pair in the query.
#[utoipa::path(
    get,
    path = "/api/v1/cube/key/token",
    tag = "keys",
    params(("accessKey" = String, Query, description = "The key's name"), ("secretKey" = String, Query, description = "Its secret")),
    responses((status = 200, description = "A token for `Authorization: Bearer`", body = TokenAnswer))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    note: Note,
    ClientIp(ip): ClientIp,
    query: Query,
) -> Result<Response, ApiError> {
    let [access_key, secret_key] = NAMES.map(|name| query.first(name));
    let outcome = issue(&state, &note, ip, &access_key, &secret_key).await;
    state.metrics.key_token(&outcome);
    outcome
}

/// A token for an access key, which stays out of URLs.
///
/// With the key pair in a JSON or form body. Without a body this is no operation
/// of KubeCube's, and answers as those do; a pair in the query does not count.
#[utoipa::path(
    post,
    path = "/api/v1/cube/key/token",
    tag = "keys",
    request_body(content((cubegate_api_types::cube::KeyTokenRequest = "application/json"), (cubegate_api_types::cube::KeyTokenRequest = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "A token for `Authorization: Bearer`", body = TokenAnswer))
)]
pub(crate) async fn post_handler(
    State(state): State<AppState>,
    note: Note,
    ClientIp(ip): ClientIp,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(caller.err().unwrap_or(ApiError::PageNotFound));
    }
    let pair = if is_json(&headers, &body) {
        json_fields(&body, NAMES)?
    } else {
        form_fields(&body, NAMES)
    };
    let [access_key, secret_key] = pair.map(Option::unwrap_or_default);
    let outcome = issue(&state, &note, ip, &access_key, &secret_key).await;
    state.metrics.key_token(&outcome);
    outcome
}

/// `curl -d '{…}'` calls its JSON a form, so the first byte counts as well.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
    declared || matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Checks in KubeCube's order, and the owner's state, which KubeCube forgets.
async fn issue(
    state: &AppState,
    note: &Note,
    ip: Option<IpAddr>,
    access_key: &str,
    secret_key: &str,
) -> Result<Response, ApiError> {
    state.throttle.key_token_asked(ip)?;
    let now = state.clock.now();
    let check = state.store.verify_key(access_key, secret_key, now).await?;
    let key = match check {
        KeyCheck::Unknown => return Err(ApiError::KeyNotExist),
        KeyCheck::WrongSecret => {
            note.key(access_key);
            state.throttle.wrong_secret(access_key, ip)?;
            return Err(ApiError::SecretNotMatch);
        }
        KeyCheck::Valid(key) => key,
    };
    state.throttle.key_token(&key.access_key)?;
    note.key(&key.access_key);
    note.user(&key.user);
    // Whoever has no secret of it does not learn that.
    if key.is_expired(now) {
        return Err(ApiError::KeyExpired);
    }
    let user = state
        .store
        .get_user(&key.user)
        .await?
        .ok_or(ApiError::UserNotExist)?;
    if user.state != UserState::Normal {
        return Err(ApiError::UserDisabled);
    }
    let issued = state.issuer.issue_from_key(&user, &key, now)?;
    let used = KeyUse {
        at: now,
        address: ip,
        cluster: None,
    };
    state.store.note_key_use(&key.access_key, used);
    Ok(respond::json(&TokenAnswer {
        token: issued.token,
    }))
}
