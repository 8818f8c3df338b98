//! Named strings of a body, read as KubeCube reads them (Go's `encoding/json`):
//! only the first JSON value counts, names match ignoring case, null is absent,
//! unknown names are ignored, another type is an error, of equal names the last wins.

use serde::Deserialize as _;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::ApiError;

/// Reads `names` from the JSON object at the start of `body`.
pub(crate) fn json_fields<const N: usize>(
    body: &[u8],
    names: [&str; N],
) -> Result<[Option<String>; N], ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    Fields { names }
        .deserialize(&mut json)
        .map_err(|_| ApiError::BodyFormatInvalid)
}

/// Reads the first JSON value of `body`; null is nothing at all.
pub(crate) fn json_object<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    // serde would take an array for an object.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::BodyFormatInvalid);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    Option::<T>::deserialize(&mut json)
        .map(Option::unwrap_or_default)
        .map_err(|_| ApiError::BodyFormatInvalid)
}

/// Reads `names` from an `application/x-www-form-urlencoded` body; the first
/// value of a name wins, and names are case-sensitive, as in a query.
pub(crate) fn form_fields<const N: usize>(body: &[u8], names: [&str; N]) -> [Option<String>; N] {
    names.map(|name| {
        form_urlencoded::parse(body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    })
}

struct Fields<'a, const N: usize> {
    names: [&'a str; N],
}

// === impl Fields ===

impl<'de, const N: usize> DeserializeSeed<'de> for Fields<'_, N> {
    type Value = [Option<String>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<String>; N];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok([const { None }; N])
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [const { None }; N];
        while let Some(key) = map.next_key::<String>()? {
            let slot = self
                .names
                .iter()
                .zip(&mut values)
                .find(|(name, _)| name.eq_ignore_ascii_case(&key))
                .map(|(_, slot)| slot);
            match slot {
                Some(slot) => {
                    if let Some(value) = map.next_value::<Option<String>>()? {
                        *slot = Some(value);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<[Option<String>; 2]> {
        json_fields(body.as_bytes(), ["name", "loginType"]).ok()
    }

    fn both(name: &str, login_type: &str) -> Option<[Option<String>; 2]> {
        Some([Some(name.to_owned()), Some(login_type.to_owned())])
    }

    #[test]
    fn names_match_ignoring_case_and_the_last_wins() {
        assert_eq!(read(r#"{"NAME":"a","LoginTYPE":"b"}"#), both("a", "b"));
        assert_eq!(
            read(r#"{"name":"a","Name":"c","loginType":"b","x":[{}]}"#),
            both("c", "b")
        );
    }

    #[test]
    fn only_the_first_value_counts() {
        assert_eq!(
            read(r#" {"name":"a","loginType":"b"}{"name":"c"}"#),
            both("a", "b")
        );
        assert_eq!(read(r#"{"name":"a","loginType":"b"}!"#), both("a", "b"));
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(read("null"), Some([None, None]));
        assert_eq!(
            read(r#"{"name":"a","name":null,"loginType":"b"}"#),
            both("a", "b")
        );
    }

    #[test]
    fn other_types_and_broken_json_are_errors() {
        for body in [
            "",
            "{",
            "[]",
            "1",
            r#""x""#,
            "true",
            r#"{"name":1}"#,
            r#"{"name":"a"]"#,
            "name=a",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn a_form_takes_the_first_value_of_the_exact_name() {
        let [a, b] = form_fields(b"A=0&a=1%2B&a=2", ["a", "b"]);
        assert_eq!(a.as_deref(), Some("1+"));
        assert_eq!(b, None);
    }
}
