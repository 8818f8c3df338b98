//! How far one JSON value goes, without looking at what it is.

use memchr::memchr2;

use super::is_space;

/// How far the scan of one JSON value has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    inside: Inside,
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Nothing of it was seen.
    Nothing,
    /// Between the brackets of an array or an object.
    Brackets,
    String,
    /// In a string, after a backslash.
    Escape,
    /// A number, `true`, `false`, `null`, or something that only looks so.
    Literal,
}

// === impl Extent ===

impl Extent {
    pub(crate) const NEW: Self = Self {
        inside: Inside::Nothing,
        depth: 0,
    };

    /// Takes the bytes of one value off the input: how many there are, and
    /// whether the value ends with them.
    pub(crate) fn advance(&mut self, input: &[u8]) -> (usize, bool) {
        let mut at: usize = 0;
        while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
            let end = match self.inside {
                Inside::Nothing | Inside::Brackets => {
                    rest.iter().position(|byte| self.stops_at(*byte))
                }
                Inside::String => memchr2(b'"', b'\\', rest),
                Inside::Escape => Some(0),
                Inside::Literal => rest.iter().position(|byte| ends_literal(*byte)),
            };
            let Some(stop) = end else {
                return (input.len(), false);
            };
            let byte = rest.get(stop).copied().unwrap_or_default();
            at = at.saturating_add(stop);
            // What ends a literal is no part of it.
            if self.inside == Inside::Literal {
                return (at, true);
            }
            at = at.saturating_add(1);
            self.take(byte);
            if self.depth == 0 && self.inside == Inside::Brackets {
                return (at, true);
            }
        }
        (input.len(), false)
    }

    fn stops_at(&self, byte: u8) -> bool {
        self.inside == Inside::Nothing || matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
    }

    /// One byte that changes where the scan is. A value is over when the scan
    /// is back between brackets at depth 0.
    fn take(&mut self, byte: u8) {
        self.inside = match (self.inside, byte) {
            (Inside::String, b'\\') => Inside::Escape,
            (Inside::String, _) => Inside::Brackets,
            (Inside::Escape, _) => Inside::String,
            (_, b'"') => Inside::String,
            (_, b'{' | b'[') => {
                self.depth = self.depth.saturating_add(1);
                Inside::Brackets
            }
            (_, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                Inside::Brackets
            }
            _ => Inside::Literal,
        };
    }
}

fn ends_literal(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"')
}
