//! How a page is shown to whoever asks for it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::headers::Nonce;
use crate::language::Language;

/// The cookies that keep what somebody has chosen. They say nothing about anybody.
pub(crate) const LANGUAGE_COOKIE: &str = "cubegate-language";
pub(crate) const THEME_COOKIE: &str = "cubegate-theme";

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the browser is.
    System,
    Light,
    Dark,
}

/// Who is logged in, as far as the frame of a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// The user's name.
    pub(crate) name: String,
    /// Whether the pages of administrators are shown.
    pub(crate) administrator: bool,
    /// What forms prove themselves with.
    pub(crate) proof: String,
}

/// How a page is shown.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    /// Path and query of the page.
    pub(crate) here: String,
    /// Nobody on the page of the login.
    pub(crate) viewer: Option<Viewer>,
    /// What the page's scripts and style are named with.
    pub(crate) nonce: String,
}

// === impl Theme ===

impl Theme {
    /// Returns the word for it in markup and cookie.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

// === impl View ===

impl View {
    /// A view for tests.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self::of(&axum::http::Request::new(()).into_parts().0)
    }

    fn of(parts: &Parts) -> Self {
        let here = parts.uri.path_and_query();
        Self {
            language: cookie(&parts.headers, LANGUAGE_COOKIE)
                .and_then(Language::of_tag)
                .unwrap_or_else(|| Language::accepted(&parts.headers)),
            theme: Theme::of_word(cookie(&parts.headers, THEME_COOKIE).unwrap_or_default()),
            here: here.map_or_else(|| crate::ROOT.to_owned(), ToString::to_string),
            viewer: None,
            nonce: parts
                .extensions
                .get()
                .map_or_else(String::new, |Nonce(nonce)| nonce.clone()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Returns the value of the first cookie of that name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(have, _)| *have == name)
        .map(|(_, value)| value)
}

/// Returns that path if it is one of a page of ours, where somebody may be led without being
/// led elsewhere.
pub(crate) fn inner_path(path: &str) -> Option<&str> {
    let is_ours = path.starts_with(crate::ROOT)
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.contains(['\\', '"', '<', '>'])
        && !path.contains("//")
        && !path.split(['/', '?', '#']).any(leads_up);
    is_ours.then_some(path)
}

/// Returns whether browsers take a segment of a path for `..`: they read encoded dots as
/// dots (WHATWG URL, "double-dot URL path segment"). What they would be led to is a call of the
/// API, from a page of ours.
fn leads_up(segment: &str) -> bool {
    segment.to_ascii_lowercase().replace("%2e", ".") == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for path in [
            "/console/",
            "/console/keys?a=b%2Fc",
            "/console/clusters/a/objects",
            "/console/keys/%2E%2Ea",
        ] {
            assert_eq!(inner_path(path), Some(path));
        }
        for path in [
            "",
            "/",
            "//evil.example/console/",
            "https://evil.example/console/",
            "/console/../oauth/logout",
            "/console/%2e%2e/api/v1/cube/key/create",
            "/console/keys/.%2E/%2E./oauth/logout",
            "/console//evil.example",
            "/console/\\evil",
            "/console/\r\nset-cookie: a=b",
            "/consoles",
        ] {
            assert_eq!(inner_path(path), None, "{path:?}");
        }
    }
}
