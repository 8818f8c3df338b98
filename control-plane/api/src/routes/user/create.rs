//! `POST /user/`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{UserBody, UserBodySpec};
use cubegate_domain::{
    DEFAULT_LANGUAGE, Profile, UserState, check_display_name, check_email, check_language,
    check_password, check_phone,
};
use cubegate_store::NewUser;
use cubegate_token::check_user_name;

use crate::audit::Note;
use crate::extract::{Admin, RawBody, WritingCaller, json_object};
use crate::routes::user::object;
use crate::{ApiError, AppState, respond};

/// A new user and what is said about them.
pub(super) struct Checked {
    pub(super) user: NewUser,
    pub(super) profile: Profile,
}

/// A new user, for administrators.
///
/// Checks in KubeCube's order.
#[utoipa::path(
    post,
    path = "/api/v1/cube/user/",
    tag = "users",
    request_body(content = UserBody),
    responses((status = 200, description = "The user is there", body = cubegate_api_types::cube::Success)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Admin(WritingCaller(caller)): Admin<WritingCaller>,
    note: Note,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let UserBody { metadata, spec } = json_object(&body)?;
    let name = metadata.and_then(|metadata| metadata.name);
    let name = given(name).ok_or(ApiError::ParamMissing("name"))?;
    // Again in the store, atomically; here for the order of the messages.
    if state.store.get_user(&name).await?.is_some() {
        return Err(ApiError::NameExists(name));
    }
    let Checked { user, profile } = check(name, spec.unwrap_or_default())?;
    let user = state
        .store
        .create_user_with_profile(user, &profile, state.clock.now())
        .await?;
    note.name(&user.name);
    tracing::info!(user.name, user.by = caller.user.name, "a user was made");
    Ok(respond::success())
}

/// What holds for every new user.
pub(super) fn check(name: String, spec: UserBodySpec) -> Result<Checked, ApiError> {
    let UserBodySpec {
        password,
        // A new user has none.
        origin_password: _,
        display_name,
        email,
        phone,
        language,
        login_type,
        state,
    } = spec;
    check_user_name(&name).map_err(|_| ApiError::ParamInvalid("name"))?;
    let password = new_password(password)?.ok_or(ApiError::ParamMissing("password"))?;
    let profile = Profile {
        phone: checked(phone, "phone", check_phone)?.unwrap_or_default(),
        email: checked(email, "email", check_email)?.unwrap_or_default(),
        language: checked(language, "language", check_language)?
            .unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned()),
        by_api: true,
    };
    checked(login_type, "loginType", |text| text == object::NORMAL)?;
    Ok(Checked {
        user: NewUser {
            display_name: checked(display_name, "displayName", check_display_name)?,
            state: new_state(state)?.unwrap_or(UserState::Normal),
            groups: Vec::new(),
            password,
            name,
        },
        profile,
    })
}

/// A password without the blanks at its ends, when there is one and it is good enough.
pub(super) fn new_password(password: Option<String>) -> Result<Option<String>, ApiError> {
    let password = password.map(|password| password.trim().to_owned());
    checked(password, "password", check_password)
}

/// A state, when there is one and it is one.
pub(super) fn new_state(state: Option<String>) -> Result<Option<UserState>, ApiError> {
    given(state)
        .map(|word| UserState::parse(&word).ok_or(ApiError::ParamInvalid("state")))
        .transpose()
}

/// A text that is there and not empty must pass its rule.
pub(super) fn checked(
    text: Option<String>,
    param: &'static str,
    rule: impl Fn(&str) -> bool,
) -> Result<Option<String>, ApiError> {
    match given(text) {
        Some(text) if !rule(&text) => Err(ApiError::ParamInvalid(param)),
        text => Ok(text),
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
