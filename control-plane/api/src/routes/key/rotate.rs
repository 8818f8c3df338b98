//! `POST /key/rotate?accessKey=`: another secret for one of the caller's keys.

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{KeyRotateRequest, RotatedKey, message};
use cubegate_domain::{DEFAULT_OVERLAP, MAX_OVERLAP};
use time::Duration;

use crate::audit::Note;
use crate::extract::{Once, Query, RawBody, WritingCaller};
use crate::respond::{self, timestamp};
use crate::routes::key::attributes;
use crate::{ApiError, AppState};

/// Another secret for one of the caller's access keys.
///
/// Both secrets are good while they overlap, so that programs can change over one by
/// one. Without an overlap the old secret and its tokens are refused at once. Sent again
/// with the same `Idempotency-Key` within a day, it makes no other secret.
#[utoipa::path(
    post,
    path = "/api/v1/cube/key/rotate",
    tag = "keys",
    params(("accessKey" = String, Query, description = "The key's name"), ("Idempotency-Key" = Option<String>, Header, description = "What tells this request from others: 1 to 128 visible ASCII characters, best random ones")),
    request_body(content = Option<KeyRotateRequest>, content_type = "application/json"),
    responses((status = 200, description = "The key with its new secret, this once, and until when the old one is good", body = RotatedKey), (status = 409, description = "The same request was done before, by its `Idempotency-Key`", body = cubegate_api_types::cube::ErrorBody)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    note: Note,
    query: Query,
    once: Once,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let KeyRotateRequest { overlap_seconds } = attributes::body(&body)?;
    let overlap = overlap_seconds.map_or(DEFAULT_OVERLAP, |seconds| {
        Duration::seconds(i64::from(seconds))
    });
    if overlap > MAX_OVERLAP {
        let detail = format!(
            "overlapSeconds must be at most {}.",
            MAX_OVERLAP.whole_seconds()
        );
        return Err(ApiError::BadRequest(message::bad_request(&detail)));
    }
    let access_key = query.first("accessKey");
    attributes::check_reach(&state, &caller, &access_key).await?;
    let now = state.clock.now();
    let until = state.revoked_until(now);
    let owner = Some(caller.user.name.as_str());
    let rotate = state
        .store
        .rotate_key(&access_key, owner, overlap, once.key(), now, until);
    let pair = attributes::changed(&note, &access_key, rotate.await)?;
    Ok(respond::json(&RotatedKey {
        access_key: pair.access_key,
        secret_key: pair.secret_key,
        old_secret_until: overlap.is_positive().then(|| timestamp(now + overlap)),
    }))
}
