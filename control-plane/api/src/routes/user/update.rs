//! `PUT /user/{name}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::{UserBody, UserBodySpec, message};
use cubegate_domain::{check_display_name, check_email, check_language, check_phone};
use cubegate_store::ProfileChange;

use crate::extract::{ClientIp, RawBody, WritingCaller, json_object};
use crate::password::{self, Refused};
use crate::routes::user::create::{checked, new_password as checked_password, new_state};
use crate::{ApiError, AppState, respond};

/// Change a user.
///
/// Changes what the body gives and leaves the rest. Users change themselves, but not
/// whether they may log in, and the password only with the present one: a token or a
/// cookie that somebody has got hold of must not lock its owner out. Administrators
/// change everybody.
#[utoipa::path(
    put,
    path = "/api/v1/cube/user/{name}",
    tag = "users",
    params(("name" = String, Path, description = "The user")),
    request_body(content = UserBody),
    responses((status = 200, description = "The user is changed", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(ip): ClientIp,
    WritingCaller(caller): WritingCaller,
    name: Result<Path<String>, PathRejection>,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    // A name that is no UTF-8 names nobody.
    let Path(name) = name.map_err(|_| ApiError::PageNotFound)?;
    caller.must_be(&name)?;
    let UserBodySpec {
        password,
        origin_password,
        display_name,
        email,
        phone,
        language,
        // There is one only.
        login_type: _,
        state: user_state,
    } = json_object::<UserBody>(&body)?.spec.unwrap_or_default();
    let old = state
        .store
        .get_user(&name)
        .await?
        .ok_or(ApiError::NoSuchUser)?;
    // Everything is checked before anything is changed.
    let new_password = checked_password(password)?;
    let change = ProfileChange {
        phone: checked(phone, "phone", check_phone)?,
        email: checked(email, "email", check_email)?,
        display_name: checked(display_name, "displayName", check_display_name)?,
        language: checked(language, "language", check_language)?,
    };
    // A client that sends the whole object back changes nothing by that.
    let user_state = new_state(user_state)?.filter(|new| *new != old.state);
    if user_state.is_some() && !caller.user.is_admin() {
        return Err(ApiError::Forbidden);
    }
    if new_password.is_some() && !caller.user.is_admin() {
        let given = origin_password.filter(|given| !given.is_empty());
        let given = given.ok_or_else(|| {
            let detail = "a new password needs the present one: give it as spec.originPassword, or use PUT /user/pwd.";
            ApiError::BadRequest(message::bad_request(detail))
        })?;
        password::check(&state, &name, &given, ip)
            .await
            .map_err(|refused| match refused {
                Refused::Wrong => ApiError::WrongPassword,
                other => other.into(),
            })?;
    }

    state.store.change_profile(&name, &change).await?;
    if let Some(password) = new_password {
        state
            .store
            .set_password(&name, &password, state.revoked_until(state.clock.now()))
            .await?;
    }
    if let Some(user_state) = user_state {
        state
            .store
            .set_user_state(&name, user_state, state.revoked_until(state.clock.now()))
            .await?;
    }
    tracing::info!(
        user.name = name,
        user.by = caller.user.name,
        "a user was changed"
    );
    Ok(respond::success())
}
