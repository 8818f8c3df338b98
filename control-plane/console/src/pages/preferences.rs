//! `POST /console/preferences`: language and theme, kept in two cookies that say nothing of
//! anybody. Nothing else changes, so the form holds no proof.

use axum::extract::{RawForm, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::Console;
use crate::form::Fields;
use crate::language::Language;
use crate::view::{LANGUAGE_COOKIE, THEME_COOKIE, Theme, inner_path};

/// A year.
const MAX_AGE: u32 = 31_536_000;

pub(super) async fn choose(State(console): State<Console>, RawForm(form): RawForm) -> Response {
    let fields = Fields::parse(&form);
    let back = inner_path(fields.get("back")).unwrap_or(crate::ROOT);
    let mut response = Redirect::to(back).into_response();
    let language = Language::of_tag(fields.get("language")).map(Language::tag);
    let theme = fields.get("theme");
    let theme = (!theme.is_empty()).then(|| Theme::of_word(theme).word());
    let secure = if console.plain_http { "" } else { " Secure;" };
    for (name, value) in [(LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)] {
        let Some(value) = value else { continue };
        let cookie = format!(
            "{name}={value}; Path=/console/; Max-Age={MAX_AGE}; HttpOnly;{secure} SameSite=Lax"
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}
