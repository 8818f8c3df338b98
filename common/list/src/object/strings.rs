//! What is inside a string.

use crate::block::Vector;

/// The state of strings between two blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strings {
    /// All bits if the next block begins inside a string.
    inside: u64,
    /// 1 if the next block's first byte is escaped.
    escaped: u64,
}

/// The strings of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct InBlock {
    /// From the opening quote to before the closing one.
    pub(super) inside: u64,
    /// The quotes that open or close a string.
    pub(super) quotes: u64,
}

// === impl InBlock ===

impl InBlock {
    /// Returns whether the block lies in one string.
    #[inline(always)]
    pub(super) fn is_all(&self) -> bool {
        self.quotes == 0 && self.inside != 0
    }
}

// === impl Strings ===

impl Strings {
    /// Returns whether the next block's first byte is escaped.
    #[inline(always)]
    pub(super) fn escape_goes_on(&self) -> bool {
        self.escaped != 0
    }

    /// The strings between quotes that are not escaped.
    #[inline(always)]
    pub(super) fn read<V: Vector>(&mut self, quotes: u64) -> InBlock {
        let inside = V::running_parity(quotes) ^ self.inside;
        // All bits if the last one is set.
        self.inside = (inside >> 63).wrapping_neg();
        InBlock { inside, quotes }
    }

    /// Returns the bytes that a backslash escapes: those behind a run of an odd number
    /// of them. A run's parity comes from where an addition carries it to; see
    /// Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019), 3.1.1.
    #[inline(always)]
    pub(super) fn escapes(&mut self, backslash: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslash = backslash & !self.escaped;
        let behind = (backslash << 1) | self.escaped;
        let odd_starts = backslash & !EVEN & !behind;
        let (even_runs, over) = odd_starts.overflowing_add(backslash);
        self.escaped = u64::from(over);
        (EVEN ^ (even_runs << 1)) & behind
    }
}
