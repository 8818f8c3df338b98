//! Trees of what is JSON by its grammar alone.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::reference::json::readable;

/// Deeper than a path may lead. What is below is left out of a tree.
const DEPTH: usize = 100;

/// A document as it came, and as a text that `serde_json` takes.
pub(crate) struct Document<'d> {
    body: &'d [u8],
    /// It stands in for the body and is as long, so that a part has the same place in both.
    text: Vec<u8>,
}

// === impl Document ===

impl<'d> Document<'d> {
    pub(crate) fn new(body: &'d [u8]) -> Self {
        let text = readable(body);
        Self { body, text }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The bytes of a part of the text as they came.
    pub(crate) fn original(&self, part: &RawValue) -> &'d [u8] {
        let part = part.get();
        let at = part.as_ptr() as usize - self.text.as_ptr() as usize;
        &self.body[at..at + part.len()]
    }

    /// What a string says, with U+FFFD for what is no Unicode.
    pub(crate) fn string(&self, part: &RawValue) -> String {
        let mut deserializer = serde_json::Deserializer::from_slice(self.original(part));
        let bytes = deserializer.deserialize_bytes(Bytes).expect("a string");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A value as a tree.
    pub(crate) fn tree(&self, part: &RawValue) -> Value {
        self.tree_to(part, DEPTH)
    }

    fn tree_to(&self, part: &RawValue, depth: usize) -> Value {
        let text = part.get();
        let Some(depth) = depth.checked_sub(1) else {
            return Value::Null;
        };
        match text.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text).expect("an object");
                let members = members.into_iter();
                members
                    .map(|[name, value]| (self.string(name), self.tree_to(value, depth)))
                    .collect()
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
                elements
                    .into_iter()
                    .map(|element| self.tree_to(element, depth))
                    .collect()
            }
            Some(b'"') => Value::String(self.string(part)),
            // A number that is none for `serde_json` is only ever compared by its text.
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        }
    }
}

// === Reading ===

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
pub(crate) struct Members<'de>(pub(crate) Vec<[&'de RawValue; 2]>);

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
