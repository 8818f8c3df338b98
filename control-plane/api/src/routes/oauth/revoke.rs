//! `POST /oauth/revoke` (RFC 7009)

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use cubegate_token::UnverifiedToken;
use utoipa::ToSchema;

use crate::AppState;
use crate::error::OauthError;
use crate::extract::ClientIp;
use crate::routes::oauth::client;
use crate::routes::oauth::form::Form;

/// What the form may hold (RFC 7009 2.1).
#[derive(ToSchema)]
#[schema(as = OauthRevokeForm)]
#[expect(dead_code, reason = "it only describes the form")]
struct RevokeForm {
    /// An access or refresh token.
    token: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Take a token back.
///
/// Takes a token back: of a refresh token the whole session, of an access token this
/// one. What is no token is as good as taken back (RFC 7009 2.2).
#[utoipa::path(
    post,
    path = "/oauth/revoke",
    tag = "oauth",
    request_body(content = RevokeForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token is refused from now on, or was none"))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(address): ClientIp,
    headers: HeaderMap,
    form: Form,
) -> Result<StatusCode, OauthError> {
    client::check(&state.oauth, &headers, &form)?;
    let token = UnverifiedToken::new(form.required("token")?);
    let now = state.clock.now();
    if let Ok(claims) = state.issuer.verify_refresh(&token, now) {
        state.throttle.token(&claims.user, address)?;
        let until = state.session_until(now);
        state
            .store
            .end_session(&claims.session, &claims.user, until, now)
            .await?;
    } else if let Ok(claims) = state.issuer.verify(&token, now) {
        state.throttle.take_back(&claims, address)?;
        state.revoke_token(&claims).await?;
    }
    Ok(StatusCode::OK)
}
