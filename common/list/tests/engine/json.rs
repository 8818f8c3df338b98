//! JSON by its grammar alone, read with `serde_json`: what that refuses for its depth, the
//! size of a number or the Unicode of a string is JSON here.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The same text, of the same length, with `?` for each byte that is part of no character.
pub(crate) fn readable(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        text.extend(chunk.invalid().iter().map(|_| b'?'));
    }
    text
}

/// Whether a text is JSON.
pub(crate) fn is_json(text: &[u8]) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let is_value = IgnoredAny::deserialize(&mut deserializer).is_ok();
    is_value && deserializer.end().is_ok()
}
