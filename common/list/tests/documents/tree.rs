//! Trees of what is JSON by its grammar alone.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Deeper than a path may lead. What is below is left out of a tree.
const DEPTH: usize = 100;

/// A value as a tree.
pub(crate) fn tree(value: &RawValue) -> Value {
    tree_to(value, DEPTH)
}

fn tree_to(value: &RawValue, depth: usize) -> Value {
    let text = value.get();
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).expect("an object");
            let members = members.into_iter();
            members
                .map(|[name, value]| (string(name), tree_to(value, depth)))
                .collect()
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
            elements
                .into_iter()
                .map(|element| tree_to(element, depth))
                .collect()
        }
        Some(b'"') => Value::String(string(value)),
        // A number that is none for `serde_json` is only ever compared by its text.
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// What a string says, with U+FFFD for what is no Unicode.
fn string(value: &RawValue) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    let bytes = deserializer.deserialize_bytes(Bytes).expect("a string");
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

/// The members of an object in their order.
struct Members<'de>(Vec<[&'de RawValue; 2]>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push([name, map.next_value()?]);
        }
        Ok(Members(members))
    }
}
