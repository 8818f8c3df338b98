//! `POST /oauth/revoke` (RFC 7009)

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use cubegate_token::UnverifiedToken;

use crate::AppState;
use crate::error::OauthError;
use crate::routes::oauth::client;
use crate::routes::oauth::form::Form;

/// Takes a token back: of a refresh token the whole session, of an access token this
/// one. What is no token is as good as taken back (RFC 7009 2.2).
pub(crate) async fn handler(
    State(state): State<AppState>,
    headers: HeaderMap,
    form: Form,
) -> Result<StatusCode, OauthError> {
    client::check(&state.oauth, &headers, &form)?;
    let token = UnverifiedToken::new(form.required("token")?);
    let now = state.clock.now();
    let until = state.revoked_until(now);
    if let Ok((claims, _)) = state.issuer.verify_refresh(&token, now) {
        state.store.end_session(&claims.session, until).await?;
    } else if let Ok(claims) = state.issuer.verify(&token, now)
        && let Some(id) = claims.id
    {
        state.store.revoke_token(&id, until).await?;
    }
    Ok(StatusCode::OK)
}
