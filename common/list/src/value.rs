//! What a field holds, as selectors and sort keys see it.

use std::borrow::Cow;

use crate::path::any_element;
use crate::raw;
use crate::work::Work;

/// A field of an item, read from its raw JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Not there, or `null`.
    Missing,
    /// A string, decoded.
    Text(Cow<'a, str>),
    /// A number or a boolean, as it is spelled in the item.
    Literal(&'a str),
    /// An array, still raw.
    Array(&'a [u8]),
    /// An object; it compares equal to nothing.
    Object,
}

// === impl Value ===

impl<'a> Value<'a> {
    /// Reads one JSON value, which must have been validated.
    pub(crate) fn read(raw: &'a [u8]) -> Self {
        match raw.first() {
            Some(b'"') => Self::Text(raw::string(raw)),
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array(raw),
            Some(b'n') | None => Self::Missing,
            // Numbers and literals are ASCII.
            Some(_) => Self::Literal(std::str::from_utf8(raw).unwrap_or_default()),
        }
    }

    /// Returns the value as one text: scalars by their text, everything else is empty.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Literal(text) => Cow::Borrowed(text),
            Self::Missing | Self::Array(_) | Self::Object => Cow::Borrowed(""),
        }
    }

    /// Returns how long its text is.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Literal(text) => text.len(),
            Self::Missing | Self::Array(_) | Self::Object => 0,
        }
    }

    /// Returns whether the text of the value, or of one scalar element of an array,
    /// passes the test. Objects never do; what is missing counts as empty.
    pub(crate) fn any_text(&self, work: &Work, test: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Missing => test(""),
            Self::Text(text) => test(text),
            Self::Literal(text) => test(text),
            Self::Object => false,
            Self::Array(raw) => any_element(raw, work, &mut |element| match Value::read(element) {
                Value::Missing => test(""),
                Value::Text(text) => test(&text),
                Value::Literal(text) => test(text),
                Value::Array(_) | Value::Object => false,
            }),
        }
    }

    /// Returns whether the value, or one scalar element of an array, passes the test.
    /// What is missing, an object or an array in an array never does.
    pub(crate) fn any_scalar(self, work: &Work, test: impl Fn(Value<'_>) -> bool) -> bool {
        match self {
            Self::Missing | Self::Object => false,
            Self::Text(_) | Self::Literal(_) => test(self),
            Self::Array(raw) => any_element(raw, work, &mut |element| match Value::read(element) {
                scalar @ (Value::Text(_) | Value::Literal(_)) => test(scalar),
                Value::Missing | Value::Array(_) | Value::Object => false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_by_their_text() {
        for (raw, text) in [
            (r#""a\n\u00e9\"b""#, "a\né\"b"),
            (r#""plain""#, "plain"),
            ("1.0", "1.0"),
            ("9007199254740993", "9007199254740993"),
            ("-1e400", "-1e400"),
            ("true", "true"),
            ("null", ""),
            ("[]", ""),
            (r#"["a"]"#, ""),
            ("{}", ""),
        ] {
            assert_eq!(Value::read(raw.as_bytes()).into_text(), text, "{raw}");
        }
    }

    #[test]
    fn an_array_passes_if_a_scalar_in_it_does() {
        let is = |raw: &str, wanted: &str| {
            Value::read(raw.as_bytes()).any_text(&Work::unlimited(), |text| text == wanted)
        };
        assert!(is(r#"["red", 5, true]"#, "red"));
        assert!(is(r#"["red", 5, true]"#, "5"));
        assert!(is(r#"["red", null]"#, ""));
        assert!(!is(r#"["red"]"#, ""));
        assert!(!is("[]", ""));
        assert!(!is(r#"[["red"], {"a": "red"}]"#, "red"));
        assert!(!is("{}", ""));
    }
}
