//! `GET /whoami`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{OwnSession, WhoAmI};
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
