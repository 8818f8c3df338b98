//! `GET /key`: the caller's keys, without their secrets.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{API_VERSION, KeyList, KeyMetadata, KeyObject, KeySpec, USER_LABEL};
use cubegate_domain::{AccessKey, KeyAttributes};
use time::OffsetDateTime;

use crate::extract::Caller;
use crate::respond::{self, timestamp};
use crate::routes::key::attributes;
use crate::{ApiError, AppState};

/// All of them: no paging and no total, as documented.
#[utoipa::path(
    get,
    path = "/api/v1/cube/key",
    tag = "keys",
    summary = "The caller's access keys",
    responses((status = 200, description = "It is done", body = KeyList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let now = state.clock.now();
    let keys = state.store.list_keys(&caller.user.name).await?;
    Ok(respond::json(&KeyList {
        kind: "KeyList".to_owned(),
        api_version: API_VERSION.to_owned(),
        metadata: BTreeMap::new(),
        items: keys.into_iter().map(|key| to_object(key, now)).collect(),
    }))
}

fn to_object(key: AccessKey, now: OffsetDateTime) -> KeyObject {
    let old_secret_until = attributes::old_secret_until(&key, now).map(timestamp);
    let KeyAttributes {
        name,
        description,
        expires_at,
        scope,
        limits,
    } = key.attributes;
    KeyObject {
        metadata: KeyMetadata {
            name: key.access_key,
            creation_timestamp: timestamp(key.created_at),
            labels: BTreeMap::from([(USER_LABEL.to_owned(), key.user.clone())]),
        },
        spec: KeySpec {
            user: key.user,
            last_used_time: key.last_used_at.map(timestamp),
            name,
            description,
            made_by: key.made_by,
            expires_at: expires_at.map(timestamp),
            scope: attributes::to_wire(scope),
            requests_per_second: limits.requests_per_second,
            concurrent_requests: limits.concurrent,
            old_secret_until,
        },
    }
}
