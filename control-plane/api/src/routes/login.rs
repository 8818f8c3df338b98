//! `POST /login`: a name and a password for a cookie.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use cubegate_store::{Login, LoginKind};
use uuid::Uuid;

use crate::audit::Note;
use crate::extract::{
    ClientIp, RawBody, is_cross_site, is_of_allowed_origin, json_fields, user_agent,
};
use crate::issuer::{CookieSession, unix_seconds};
use crate::respond;
use crate::routes::user::object;
use crate::{ApiError, AppState, cookie, password};

/// Log in.
///
/// Lets nobody log in from a page of another site, unless an operator allows it. Checks in
/// KubeCube's order; the state comes after the password, so that nobody
/// learns who is disabled without knowing it.
#[utoipa::path(
    post,
    path = "/api/v1/cube/login",
    tag = "login",
    request_body(content = cubegate_api_types::cube::LoginRequest),
    responses((status = 200, description = "The user; the token is in the cookie `Authorization`", body = cubegate_api_types::cube::UserObject, headers(("Set-Cookie" = String, description = "`Authorization=Bearer+<token>`"))))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(ip): ClientIp,
    note: Note,
    headers: HeaderMap,
    uri: Uri,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    // A page of another site could log its visitor in as somebody else, with a form.
    if is_cross_site(&headers, &uri) && !is_of_allowed_origin(&headers, &state.cors_origins) {
        return Err(ApiError::Forbidden);
    }
    let [name, password, login_type] = json_fields(&body, ["name", "password", "loginType"])?
        .map(|field| field.filter(|text| !text.is_empty()));
    let (Some(name), Some(password), Some(login_type)) = (name, password, login_type) else {
        return Err(ApiError::LoginParamMissing);
    };
    // `ldap` is switched off.
    if login_type != object::NORMAL {
        return Err(ApiError::AuthenticateFailed);
    }
    let user = password::log_in(&state, &note, &name, &password, ip).await?;
    let now = state.clock.now();
    let session = CookieSession {
        id: Uuid::new_v4().simple().to_string(),
        began_at: unix_seconds(now),
        longest: state.session_lifetime,
    };
    let issued = state.issuer.issue_for_cookie(&user, &session, now)?;
    let ip = ip.map(|ip| ip.to_string());
    let login = Login {
        session: session.id.clone(),
        kind: LoginKind::Cookie,
        began_at: now,
        ends_at: now + session.longest,
        address: ip.clone(),
        user_agent: user_agent(&headers),
    };
    state.store.note_login(&user.name, &login).await?;
    let user = state
        .store
        .record_login(&user.name, ip.as_deref(), now)
        .await?;

    let mut response = respond::json(&object::of(user, now));
    cookie::set(&state, &mut response, &issued, now)?;
    Ok(response)
}
