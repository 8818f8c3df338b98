//! `GET /whoami` and `GET /whoami/clusters`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{OwnClusters, OwnSession, WhoAmI};
use cubegate_token::Claims;
use time::OffsetDateTime;

use crate::extract::{Anyone, Identity};
use crate::respond::{self, timestamp};
use crate::{ApiError, AppState};

/// Who the caller is.
///
/// The user, and how long token and session last. A bounded key's token is good here, too.
#[utoipa::path(
    get,
    path = "/api/v1/cube/whoami",
    tag = "users",
    responses((status = 200, description = "The caller, as the database knows it now, and what the token says", body = WhoAmI)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Anyone(caller): Anyone,
) -> Result<Response, ApiError> {
    let Identity { user, claims, .. } = caller;
    let session = session(&state, &claims).await?;
    Ok(respond::json(&WhoAmI {
        administrator: user.is_admin(),
        name: user.name,
        display_name: user.display_name,
        groups: claims.groups,
        expires_at: moment(claims.expires_at),
        session,
    }))
}

/// The clusters that the caller's token is good for.
///
/// All that are registered, or those of the token's scope. What may be done there the clusters'
/// own rules say. A bounded key's token is good here, too.
#[utoipa::path(
    get,
    path = "/api/v1/cube/whoami/clusters",
    tag = "users",
    responses((status = 200, description = "Names of clusters, as they stand in paths", body = OwnClusters)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn clusters(
    State(state): State<AppState>,
    Anyone(caller): Anyone,
) -> Result<Response, ApiError> {
    let scope = caller.claims.scope.unwrap_or_default().clusters;
    let clusters = state.store.list_clusters().await?;
    let items: Vec<_> = clusters
        .into_iter()
        .map(|cluster| cluster.name.to_string())
        .filter(|name| scope.is_empty() || scope.contains(name))
        .collect();
    let host = state.store.host_cluster().await?;
    Ok(respond::json(&OwnClusters {
        total: items.len(),
        host: host.filter(|host| items.contains(host)),
        items,
    }))
}

/// The session of a token, if it is of one. The token of a cookie says by itself when the
/// login was; of other logins the newest are known.
async fn session(state: &AppState, claims: &Claims) -> Result<Option<OwnSession>, ApiError> {
    let Some(id) = claims.session.clone() else {
        return Ok(None);
    };
    let (began_at, ends_at) = match claims.authenticated_at {
        Some(began_at) => {
            let ends_at = began_at.saturating_add(state.session_lifetime.as_secs());
            (Some(moment(began_at)), Some(moment(ends_at)))
        }
        None => state
            .store
            .get_login(&claims.user, &id)
            .await?
            .map(|login| (timestamp(login.began_at), timestamp(login.ends_at)))
            .unzip(),
    };
    Ok(Some(OwnSession {
        id,
        began_at,
        ends_at,
    }))
}

/// RFC 3339 of Unix seconds; a time that no calendar has is as good as for ever.
fn moment(unix: u64) -> String {
    let time = i64::try_from(unix)
        .ok()
        .and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    timestamp(time.unwrap_or(crate::state::FOR_EVER))
}
