//! `PUT /user/pwd`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::PasswordChange;

use crate::audit::Note;
use crate::extract::{ClientIp, RawBody, WritingCaller, json_object};
use crate::password::{self, Refused};
use crate::routes::user::create::new_password;
use crate::{ApiError, AppState, respond};

/// Change a password.
///
/// Changes the caller's password, whose old one has to be known: it proves more than a
/// token does. Administrators change that of whomever they know the old one. The new one
/// is looked at first, since that costs nothing.
#[utoipa::path(
    put,
    path = "/api/v1/cube/user/pwd",
    tag = "users",
    request_body(content = PasswordChange),
    responses((status = 200, description = "The password is changed; tokens that the user has until now are refused", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(ip): ClientIp,
    WritingCaller(caller): WritingCaller,
    note: Note,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let PasswordChange {
        user_name,
        origin_password,
        new_password: new,
    } = json_object(&body)?;
    let name = user_name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| caller.user.name.clone());
    // Whoever guesses at somebody else's learns nothing, not even who there is.
    caller.must_be(&name)?;
    let new = new_password(new)?.ok_or(ApiError::ParamInvalid("password"))?;
    if state.store.get_user(&name).await?.is_none() {
        return Err(ApiError::NoSuchUser);
    }
    note.name(&name);
    let old = origin_password.unwrap_or_default();
    // A token is not the password: a guess counts as at a login.
    password::check(&state, &name, &old, ip)
        .await
        .map_err(|refused| match refused {
            Refused::Wrong => ApiError::WrongPassword,
            other => other.into(),
        })?;
    state
        .store
        .set_password(&name, &new, state.revoked_until(state.clock.now()))
        .await?;
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        "a password was changed"
    );
    Ok(respond::success())
}
