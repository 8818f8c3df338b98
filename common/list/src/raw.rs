//! JSON that has been found to be valid, taken value by value.
//!
//! Nothing here calls itself for what a value holds: however deep it is nested, the
//! stack stays as it is. What is no JSON after all has some meaning and an end.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::memchr;
use serde::Deserializer as _;
use serde::de::{Error, Visitor};

use crate::scanner::{Extent, is_space};

/// A text, and how much of it was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    text: &'a [u8],
    at: usize,
}

// === impl Raw ===

impl<'a> Raw<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Takes a value of any kind. Says where it stands.
    pub(crate) fn value(&mut self) -> Range<usize> {
        let start = self.start();
        let rest = self.text.get(start..).unwrap_or_default();
        let mut extent = Extent::NEW;
        let (len, _) = extent.advance(rest);
        self.at = start.saturating_add(len);
        start..self.at
    }

    /// Takes a value of any kind, and gives its text.
    pub(crate) fn text(&mut self) -> &'a [u8] {
        let place = self.value();
        self.text.get(place).unwrap_or_default()
    }

    /// Returns where the next value begins.
    pub(crate) fn start(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let space = rest.iter().take_while(|byte| is_space(**byte)).count();
        self.at = self.at.saturating_add(space);
        self.at
    }

    /// Returns how much was taken.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Takes the bracket of an object, if the next value is one.
    pub(crate) fn enter_object(&mut self) -> bool {
        self.take(b'{')
    }

    /// Takes the bracket of an array, if the next value is one.
    pub(crate) fn enter_array(&mut self) -> bool {
        self.take(b'[')
    }

    /// Takes the next member's name, with its quotes; the value is next. `None` at the
    /// end of the object, which is taken then.
    pub(crate) fn name(&mut self) -> Option<&'a [u8]> {
        self.take(b',');
        if self.next() == Some(b'"') {
            let name = self.text();
            if self.take(b':') {
                return Some(name);
            }
        }
        if !self.take(b'}') {
            self.at = self.text.len();
        }
        None
    }

    /// Returns whether an element is next. At the end of the array, that is taken.
    pub(crate) fn element(&mut self) -> bool {
        self.take(b',');
        if self.take(b']') {
            return false;
        }
        self.next().is_some()
    }

    /// Takes what is left of an array, and its end.
    pub(crate) fn leave_array(&mut self) {
        while self.element() {
            self.value();
        }
    }

    fn next(&mut self) -> Option<u8> {
        let start = self.start();
        self.text.get(start).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.next() == Some(byte);
        self.at = self.at.saturating_add(usize::from(taken));
        taken
    }
}

/// Returns whether a name, quotes included, is this one.
pub(crate) fn is_named(quoted: &[u8], name: &[u8]) -> bool {
    let plain = quoted.len() == name.len().saturating_add(2);
    if memchr(b'\\', quoted).is_none() && quoted.is_ascii() {
        return plain && quoted.get(1..).is_some_and(|rest| rest.starts_with(name));
    }
    string(quoted).as_bytes() == name
}

/// Returns what a string says, whose quotes are part of the text. What is no UTF-8 in it, and
/// half of a surrogate pair, becomes U+FFFD.
pub(crate) fn string(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.strip_prefix(b"\"").unwrap_or(quoted);
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if memchr(b'\\', inner).is_none() {
        return String::from_utf8_lossy(inner);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(quoted);
    let bytes = deserializer.deserialize_bytes(Bytes).unwrap_or_default();
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The bytes of a string whatever they are: as a text `serde_json` would refuse some.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all values that are no brackets, in their order.
    fn leaves(text: &str) -> Vec<String> {
        fn collect(raw: &mut Raw<'_>, found: &mut Vec<String>) {
            if raw.enter_object() {
                while let Some(name) = raw.name() {
                    found.push(string(name).into_owned());
                    collect(raw, found);
                }
            } else if raw.enter_array() {
                while raw.element() {
                    collect(raw, found);
                }
            } else {
                let text = raw.text();
                found.push(String::from_utf8_lossy(text).into_owned());
            }
        }
        let mut raw = Raw::new(text.as_bytes());
        let mut found = Vec::new();
        collect(&mut raw, &mut found);
        assert_eq!(raw.start(), text.len(), "{text}");
        found
    }

    #[test]
    fn values_are_taken_one_after_the_other() {
        assert_eq!(
            leaves(
                r#" { "a" : [ 1 , "x]\"" , { } , [ ] , null ] ,"b\u0063":{"d":-1.5e3}, "" :true } "#
            ),
            [
                "a",
                "1",
                r#""x]\"""#,
                "null",
                "bc",
                "d",
                "-1.5e3",
                "",
                "true"
            ]
        );
        assert_eq!(leaves("7"), ["7"]);
    }

    #[test]
    fn a_value_is_taken_whole_however_deep_it_is() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let text = format!("[{deep},5]");
        let mut raw = Raw::new(text.as_bytes());
        assert!(raw.enter_array() && raw.element());
        assert_eq!(raw.text().len(), deep.len());
        assert!(raw.element());
        assert_eq!(raw.text(), b"5");
        assert!(!raw.element());
    }

    #[test]
    fn what_is_no_json_has_an_end() {
        for text in [
            "{", "[", "{\"a\"", "{\"a\":", "[1", "[,", "{,", "{1:2}", "[}", "{]", "}", "\"",
            "[1 2", "[:", "",
        ] {
            let mut raw = Raw::new(text.as_bytes());
            let mut steps = 0;
            if raw.enter_object() {
                while raw.name().is_some() {
                    raw.value();
                    steps += 1;
                }
            } else if raw.enter_array() {
                while raw.element() {
                    raw.value();
                    steps += 1;
                }
            }
            assert!(steps <= text.len(), "{text}");
        }
    }

    #[test]
    fn odd_strings_have_a_text() {
        for (quoted, text) in [
            (&br#""a\n\u00e9\ud83d\ude00""#[..], "a\n\u{e9}\u{1f600}"),
            (b"\"a\xffb\"", "a\u{fffd}b"),
            (br#""a\ud800b""#, "a\u{fffd}\u{fffd}\u{fffd}b"),
            (b"\"\"", ""),
        ] {
            assert_eq!(string(quoted), text);
            assert!(is_named(quoted, text.as_bytes()));
        }
        assert!(is_named(br#""n\u0061me""#, b"name"));
        assert!(!is_named(br#""names""#, b"name") && !is_named(br#""nam""#, b"name"));
    }
}
