//! The two languages of the pages. What is said stands in both beside each other, so that
//! neither can be forgotten.

use std::fmt::Display;

use axum::http::{HeaderMap, header};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    En,
    /// Chinese, in the script of the mainland.
    Zh,
}

// === impl Language ===

impl Language {
    /// Returns what it is called in `lang` attributes and in the cookie (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        self.say("en", "zh-CN")
    }

    /// Returns the one of the two that is in this language.
    pub(crate) fn say<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// Says a sentence with something in it, where `{}` stands in both.
    pub(crate) fn tell(self, en: &str, zh: &str, what: impl Display) -> String {
        self.say(en, zh).replace("{}", &what.to_string())
    }

    /// Returns the language of a tag that begins as one of ours does.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_', ';']).next()?;
        match primary.trim().to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        }
    }

    /// Returns the first of `Accept-Language` that there is, English without one. Browsers
    /// write the wanted ones first, so weights are not read.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(',').find_map(Self::of_tag))
            .unwrap_or(Self::En)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_there_is_counts() {
        for (accepted, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("en-GB,zh;q=0.5", Language::En),
            ("fr-FR, zh_TW;q=0.4", Language::Zh),
            ("fr", Language::En),
            ("", Language::En),
        ] {
            let headers = [(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())];
            let headers: HeaderMap = headers.into_iter().collect();
            assert_eq!(Language::accepted(&headers), language, "{accepted}");
        }
    }
}
