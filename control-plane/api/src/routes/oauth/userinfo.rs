//! `GET /oauth/userinfo` (OpenID Connect Core 5.3)

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::error::OauthError;
use crate::extract::Bearer;
use crate::respond;

/// The standard claims; those that a user does not have are left out.
#[derive(Serialize)]
struct UserInfo {
    sub: String,
    name: String,
    preferred_username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    locale: String,
    groups: Vec<String>,
}

/// Who the caller is, as the database knows it now.
pub(crate) async fn handler(Bearer(caller): Bearer) -> Result<Response, OauthError> {
    let (user, _) = caller.ok_or(OauthError::Token)?;
    let info = UserInfo {
        sub: user.name.clone(),
        name: user.name.clone(),
        preferred_username: user.name,
        email: user.profile.email,
        locale: user.profile.language,
        groups: user.groups,
    };
    Ok(respond::plain_json(StatusCode::OK, &info))
}
