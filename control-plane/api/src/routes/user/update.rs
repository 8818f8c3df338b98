//! `PUT /user/{name}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use cubegate_api_types::cube::{UserBody, UserBodySpec};
use cubegate_domain::{check_display_name, check_email, check_language, check_phone};
use cubegate_store::ProfileChange;

use crate::extract::{RawBody, Writer, json_object};
use crate::routes::user::create::{checked, new_password, new_state};
use crate::{ApiError, AppState, respond};

/// Changes what the body gives and leaves the rest. Users change themselves, but
/// not whether they may log in; administrators change everybody.
#[utoipa::path(
    put,
    path = "/api/v1/cube/user/{name}",
    tag = "users",
    summary = "Change a user",
    params(("name" = String, Path, description = "The user")),
    request_body(content = UserBody),
    responses((status = 200, description = "It is done", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Writer(caller): Writer,
    name: Result<Path<String>, PathRejection>,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    // A name that is no UTF-8 names nobody.
    let Path(name) = name.map_err(|_| ApiError::PageNotFound)?;
    caller.must_be(&name)?;
    let UserBodySpec {
        password,
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
    let password = new_password(password)?;
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

    state.store.change_profile(&name, &change).await?;
    if let Some(password) = password {
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
