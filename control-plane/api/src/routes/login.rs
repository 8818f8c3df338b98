//! `POST /login`: a name and a password for a cookie.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use cubegate_api_types::cube::{API_VERSION, UserMetadata, UserObject, UserSpec, UserStatus};
use cubegate_domain::User;

use crate::audit::Note;
use crate::extract::{ClientIp, RawBody, json_fields};
use crate::respond::{self, timestamp};
use crate::{ApiError, AppState, password};

/// The login type of users with a password here; `ldap` is switched off.
const NORMAL: &str = "normal";

/// Checks in KubeCube's order; the state comes after the password, so that nobody
/// learns who is disabled without knowing it.
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(ip): ClientIp,
    note: Note,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let [name, password, login_type] = json_fields(&body, ["name", "password", "loginType"])?
        .map(|field| field.filter(|text| !text.is_empty()));
    let (Some(name), Some(password), Some(login_type)) = (name, password, login_type) else {
        return Err(ApiError::LoginParamMissing);
    };
    if login_type != NORMAL {
        return Err(ApiError::AuthenticateFailed);
    }
    let user = password::log_in(&state, &note, &name, &password, ip).await?;
    let now = state.clock.now();
    let issued = state.issuer.issue(&user, None, now)?;
    let ip = ip.map(|ip| ip.to_string());
    let user = state
        .store
        .record_login(&user.name, ip.as_deref(), now)
        .await?;

    let mut response = respond::json(&to_object(user));
    let cookie = set_cookie(
        &issued.token,
        state.issuer.lifetime().as_secs(),
        state.plain_http,
    );
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

fn set_cookie(token: &str, max_age: u64, plain_http: bool) -> String {
    let secure = if plain_http { "" } else { " Secure;" };
    format!(
        "Authorization=Bearer+{token}; Path=/; Max-Age={max_age}; HttpOnly;{secure} SameSite=Lax"
    )
}

fn to_object(user: User) -> UserObject {
    UserObject {
        kind: "User".to_owned(),
        api_version: API_VERSION.to_owned(),
        metadata: UserMetadata {
            name: user.name,
            resource_version: user.version.to_string(),
            creation_timestamp: None,
        },
        spec: UserSpec {
            display_name: user.display_name,
            login_type: NORMAL.to_owned(),
            state: user.state.as_str().to_owned(),
        },
        status: UserStatus {
            last_login_time: user.last_login_at.map(timestamp),
            last_login_ip: user.last_login_ip,
        },
    }
}
