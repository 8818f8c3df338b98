//! What is said about a key, from the wire and to it.

use cubegate_api_types::cube::message;
use cubegate_domain::{AccessKey, unknown_cluster};
use cubegate_store::StoreError;
use cubegate_token::KeyScope;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::Note;
use crate::extract::Caller;
use crate::{ApiError, AppState};

/// What a refusal repeats of the decoder's words at most, in bytes.
const MAX_DETAIL: usize = 200;

/// A body that there need not be. A wrong one is told in the decoder's words: it may
/// hold a misspelt bound.
pub(super) fn body<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(T::default());
    }
    // serde would take an array for an object.
    if body.first() == Some(&b'[') {
        return Err(ApiError::BodyFormatInvalid);
    }
    let read: Result<Option<T>, _> = serde_json::from_slice(body);
    read.map(Option::unwrap_or_default)
        .map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                let mut detail = error.to_string();
                detail.truncate(detail.floor_char_boundary(MAX_DETAIL));
                ApiError::BadRequest(message::bad_request(&format!("{detail}.")))
            }
            _ => ApiError::BodyFormatInvalid,
        })
}

/// A time in RFC 3339.
pub(super) fn time(text: &str) -> Result<OffsetDateTime, ApiError> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        let detail = "expiresAt must be a time as 2030-01-31T12:00:00Z, or null.";
        ApiError::BadRequest(message::bad_request(detail))
    })
}

/// Refuses a scope with a cluster that there is not: a key for a misspelt one is good for
/// nothing.
pub(super) async fn check_clusters(state: &AppState, scope: &KeyScope) -> Result<(), ApiError> {
    if scope.clusters.is_empty() {
        return Ok(());
    }
    let known = state.store.cluster_names().await?;
    match unknown_cluster(&scope.clusters, &known) {
        Some(unknown) => Err(ApiError::ClusterNotFound(unknown.to_owned())),
        None => Ok(()),
    }
}

/// Keeps the token of a key at that key and those made with it: with another one that it
/// took over it would outlive its own.
pub(super) async fn check_reach(
    state: &AppState,
    caller: &Caller,
    access_key: &str,
) -> Result<(), ApiError> {
    let Some(own) = &caller.key else {
        return Ok(());
    };
    if own.access_key == access_key {
        return Ok(());
    }
    let made = state.store.keys_made_by(&own.access_key).await?;
    let all = state.store.list_keys(&caller.user.name).await?;
    // Of a key that is nobody's, or somebody else's, the handler has words of its own.
    let is_other = all.iter().any(|key| key.access_key == access_key)
        && !made.iter().any(|made| made == access_key);
    if is_other {
        return Err(ApiError::OtherKey);
    }
    Ok(())
}

/// Notes the key that was changed, or was not its caller's to change, and says the latter.
/// What is no key may be a secret in the wrong place.
pub(super) fn changed<T>(
    note: &Note,
    access_key: &str,
    outcome: Result<T, StoreError>,
) -> Result<T, ApiError> {
    if matches!(outcome, Ok(_) | Err(StoreError::KeyNotOwned(_))) {
        note.name(access_key);
    }
    Ok(outcome?)
}

/// Until when the old secret is good, if it still is.
pub(crate) fn old_secret_until(key: &AccessKey, now: OffsetDateTime) -> Option<OffsetDateTime> {
    key.old_secret_until.filter(|until| now < *until)
}
