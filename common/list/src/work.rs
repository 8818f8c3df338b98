//! How much work a query makes, against what it may make of one chunk.

use std::cell::Cell;

/// What may still be done. A unit is about a nanosecond, natively.
///
/// A body is read once, and that is not counted: it is what a chunk of this size costs
/// whatever is asked. Counted is what a query adds: conditions, the values that they
/// look into, arrays that are read again, sort keys, and what is written anew.
#[derive(Debug)]
pub(crate) struct Work {
    left: Cell<usize>,
}

/// What a query may make of a chunk, however small. Other streams of the worker wait for
/// as long; `examples/worst_chunk.rs` says how long that is.
const UNITS_PER_CHUNK: usize = 12 << 20;

/// The same for each byte of a large chunk.
const UNITS_PER_BYTE: usize = 64;

/// To come to an element of an array, a member of an object, or a field of an item.
pub(crate) const STEP: usize = 32;

/// To read a value as its type.
pub(crate) const TEST: usize = 128;

/// To keep an item.
pub(crate) const KEEP: usize = 1536;

// === impl Work ===

impl Work {
    /// As much as it takes.
    pub(crate) fn unlimited() -> Self {
        Self {
            left: Cell::new(usize::MAX),
        }
    }

    /// A chunk of this size begins.
    pub(crate) fn begin_chunk(&self, len: usize) {
        let units = len.saturating_mul(UNITS_PER_BYTE).max(UNITS_PER_CHUNK);
        self.left.set(units);
    }

    /// So much is being done.
    #[inline]
    pub(crate) fn charge(&self, units: usize) {
        self.left.set(self.left.get().saturating_sub(units));
    }

    /// Nothing more may be done: whoever asks stops, with any result.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
