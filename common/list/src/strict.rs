//! Whether a text is JSON, by the word of `serde_json`.
//!
//! What counts is the grammar (RFC 8259) and nothing else. How deep a value is nested,
//! whether a number fits a double and whether a string is good Unicode is for whoever
//! reads the value: an API server stores what is odd in these ways, and one such object
//! must not be the end of its list.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Returns why a text is no JSON value, without the position that `serde_json` adds:
/// it counts from the start of the part and not of the body.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    // The part is whole, so it is not the body that ends here.
    if error.is_eof() {
        return "an incomplete value".to_owned();
    }
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

/// Validates exactly one JSON value. Takes neither stack nor much memory for its depth.
pub(crate) fn check(text: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    IgnoredAny::deserialize(&mut deserializer)?;
    deserializer.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_grammar_is_valid_and_nothing_else() {
        for text in [
            "1",
            "-0.5e-3",
            "\"\\u00e9\\ud83d\\ude00\"",
            "[1,[2,{}]]",
            "{\"a\":{\"b\":[null]}}",
            " true ",
            "",
            "01",
            "1.",
            "+1",
            "nul",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "\"\\x\"",
            "\"\n\"",
            "NaN",
            "[1] 2",
            "{]",
            "[}",
            "\"",
            "// a\n1",
            "\u{feff}1",
        ] {
            let value = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(check(text.as_bytes()).is_ok(), value.is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_odd_but_has_the_grammar_is_valid() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        for text in [
            &b"1e999"[..],
            b"\"\\ud800\"",
            b"{\"\\udc00\":1}",
            b"\"\xff\"",
            deep.as_bytes(),
        ] {
            assert!(check(text).is_ok());
        }
        assert!(check(deep.get(1..).unwrap_or_default().as_bytes()).is_err());
        assert!(check(b"[\xff]").is_err());
    }

    #[test]
    fn reasons_name_no_position() {
        let error = check(b"{\"a\":}").unwrap_err();
        assert_eq!(reason(&error), "expected value");
    }
}
