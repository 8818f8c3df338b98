//! Validation of raw JSON: strict UTF-8, and whatever `serde_json` takes for a `Value`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Of a visitor that looks for something in arrays and objects: what is neither is
/// taken, and gives nothing.
macro_rules! scalars_are_nothing {
    () => {
        scalars_are_nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    ($($visit:ident: $scalar:ty),+) => {
        $(fn $visit<E>(self, _: $scalar) -> Result<Self::Value, E> {
            Ok(Default::default())
        })+
    };
}
pub(crate) use scalars_are_nothing;

/// Reads a value and forgets it.
///
/// Unlike `serde`'s `IgnoredAny` it decodes strings and numbers on the way, so that a
/// lone surrogate or a number beyond a double is an error here as it is for
/// `serde_json::Value`, and it keeps to the recursion limit.
pub(crate) struct Skip;

/// Why a text is no JSON value, without the position that `serde_json` adds:
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

/// The text of one JSON value.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a byte sequence that is not UTF-8".to_owned())
}

/// Validates exactly one JSON value.
pub(crate) fn check(text: &str) -> Result<(), serde_json::Error> {
    read(text, Skip)
}

/// Reads exactly one JSON value with a seed.
pub(crate) fn read<'de, S>(text: &'de str, seed: S) -> Result<S::Value, serde_json::Error>
where
    S: DeserializeSeed<'de>,
{
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

// === impl Skip ===

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    scalars_are_nothing!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Self)?.is_some() {
            map.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_valid_for_a_value_is_valid_here_and_nothing_else() {
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
            "1e999",
            "\"\\ud800\"",
            "{\"\\udc00\":1}",
            "[1] 2",
            "{]",
            "[}",
            "\"",
            "// a\n1",
            "\u{feff}1",
        ] {
            let value = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(check(text).is_ok(), value.is_ok(), "{text}");
        }
    }

    #[test]
    fn too_deep_a_value_is_refused() {
        assert!(check(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
        assert!(check(&format!("{}{}", "[".repeat(1000), "]".repeat(1000))).is_err());
    }

    #[test]
    fn reasons_name_no_position() {
        let error = check("{\"a\":}").unwrap_err();
        assert_eq!(reason(&error), "expected value");
    }
}
