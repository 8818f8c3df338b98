//! `GET /oauth/userinfo` (OpenID Connect Core 5.3)

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::OauthError;
use crate::extract::Bearer;
use crate::respond;

/// The standard claims; those that a user does not have are left out.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthUserInfo, example = json!({
    "sub": "jeff", "name": "jeff", "preferred_username": "jeff", "email": "jeff@example.com",
    "groups": ["team-a"],
}))]
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

/// Who the caller is.
///
/// As the database knows it now.
#[utoipa::path(
    get,
    path = "/oauth/userinfo",
    tag = "oauth",
    security(("bearer" = [])),
    responses((status = 200, description = "The standard claims about the caller (OpenID Connect Core, 5.3)", body = UserInfo))
)]
pub(crate) async fn handler(Bearer(caller): Bearer) -> Result<Response, OauthError> {
    let user = caller.ok_or(OauthError::Token)?.user;
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
