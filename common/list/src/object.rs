//! Reads an item that is an object: where it ends, that it is JSON, and the fields that are wanted.
//!
//! ```text
//! 64 bytes ──Masks──> Strings ──> Grammar ──> brackets ──> Finder
//!                     what is     may this    what is in   the members that
//!                     a string    follow that what         a query names
//! ```
//!
//! Most of the work is done on bit masks, 64 bytes at once, whatever they hold:
//! that every token may follow the one before it can be said without knowing what
//! is inside what, except for two things, which a walk over the brackets decides.
//! Only brackets, numbers, literals and uncommon escapes are looked at one by one.
//!
//! It says what is certainly valid. What it is not sure of is read again by
//! `serde_json`, which is the judge of what JSON is and of how a fault is told.

mod brackets;
mod finder;
mod grammar;
mod literal;
mod strings;

use self::brackets::{Brackets, Quiet};
use self::finder::Finder;
use self::grammar::{Grammar, Tokens};
use self::strings::{InBlock, Strings};
use crate::block::{BLOCK, Block, Job, Masks, Vector, below, last_bit, with_best};
use crate::fields::{FieldSet, Span};

/// Reads one object after the other, each as it arrives.
///
/// The bytes of an object must be in one piece from its beginning to where it
/// has arrived; they may be moved between two calls.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    /// Bytes that were read: a multiple of [`BLOCK`].
    at: usize,
    strings: Strings,
    grammar: Grammar,
    brackets: Brackets,
    /// Where a number or literal begins that goes on in the next block.
    literal: Option<usize>,
    /// From the first byte that is not ASCII to behind the last one.
    high: Span,
    finder: Finder,
}

/// The object may not be valid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsure;

/// The deepest nesting of an object that stands in a list, itself included:
/// `serde_json` takes 127 levels, and the list and its items are two of them.
const MAX_DEPTH: u32 = 125;

// === impl ObjectReader ===

impl ObjectReader {
    pub(crate) fn new() -> Self {
        Self {
            at: 0,
            strings: Strings::default(),
            grammar: Grammar::default(),
            brackets: Brackets::default(),
            literal: None,
            high: Span::NONE,
            finder: Finder::default(),
        }
    }

    /// Begins with a new object.
    pub(crate) fn begin(&mut self, fields: &FieldSet) {
        self.at = 0;
        self.strings = Strings::default();
        self.grammar = Grammar::default();
        self.brackets = Brackets::default();
        self.literal = None;
        self.high = Span::NONE;
        self.finder.begin(fields);
    }

    /// Goes on reading. `object` is all that has arrived, from the `{` on.
    ///
    /// Returns the object's length once its end has arrived.
    pub(crate) fn advance(
        &mut self,
        object: &[u8],
        fields: &FieldSet,
    ) -> Result<Option<usize>, Unsure> {
        with_best(Advance {
            reader: self,
            object,
            fields,
        })
    }

    /// What was found in the object that has just ended.
    pub(crate) fn spans(&self) -> &[Span] {
        self.finder.spans()
    }

    /// The memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.finder.held_bytes()
    }

    /// Reads a block. Returns how much of it belongs to the object, if it ends here.
    #[inline(always)]
    fn block<V: Vector>(
        &mut self,
        block: &Block,
        masks: &Masks,
        object: &[u8],
        fields: &FieldSet,
    ) -> Result<Option<u32>, Unsure> {
        let strings = self.strings.read(masks);
        if masks.high != 0 {
            self.note_high(masks.high);
        }
        if strings.is_all() && masks.control() == 0 {
            // Nothing but a part of a string: what is between tokens stays.
            let sound = strings.escaped == 0
                || self
                    .strings
                    .check_escapes(masks, &strings, u64::MAX, object, self.at);
            return if sound { Ok(None) } else { Err(Unsure) };
        }
        let tokens = self
            .grammar
            .read(masks, &strings, || Masks::spaces::<V>(block));
        let quiet = self
            .brackets
            .read_quietly(masks, &tokens, self.finder.depth());
        let end = match quiet {
            Some(Quiet::Sound) => None,
            Some(Quiet::Unsound) => return Err(Unsure),
            None => {
                let mut finder = self.finder.at_block(object, self.at, fields);
                self.brackets.walk(masks.curly, &tokens, &mut finder)?
            }
        };
        match end {
            None if self.check(masks, &strings, &tokens, u64::MAX, object) => Ok(None),
            Some(bit) if self.check_last(*masks, strings, tokens, bit, object) => {
                Ok(Some(bit.saturating_add(1)))
            }
            _ => Err(Unsure),
        }
    }

    /// Whether what is within these bits of a block is as JSON has it.
    #[inline(always)]
    fn check(
        &mut self,
        masks: &Masks,
        strings: &InBlock,
        tokens: &Tokens,
        within: u64,
        object: &[u8],
    ) -> bool {
        let mut sound = tokens.wrong & within == 0;
        if masks.control() != 0 {
            sound &= self
                .grammar
                .only_white_space(masks, strings, within, object, self.at);
        }
        if strings.escaped != 0 {
            sound &= self
                .strings
                .check_escapes(masks, strings, within, object, self.at);
        }
        if tokens.literal != 0 || self.literal.is_some() {
            sound &= self.check_literals(tokens.literal & within, object);
        }
        sound
    }

    /// The same for the block in which the object ends. It takes copies, so that
    /// they need not be in memory for all the other blocks.
    #[cold]
    #[inline(never)]
    fn check_last(
        &mut self,
        masks: Masks,
        strings: InBlock,
        tokens: Tokens,
        last: u32,
        object: &[u8],
    ) -> bool {
        let within = below(last.saturating_add(1));
        self.check(&masks, &strings, &tokens, within, object)
    }

    /// Checks the numbers and literals that end in this block.
    #[inline(always)]
    fn check_literals(&mut self, mask: u64, object: &[u8]) -> bool {
        let mut rest = mask;
        if let Some(start) = self.literal {
            let more = mask.trailing_ones();
            if more == BLOCK_BITS {
                return true;
            }
            self.literal = None;
            let end = self.at.wrapping_add(more as usize);
            if !object.get(start..end).is_some_and(literal::is_valid) {
                return false;
            }
            rest &= !below(more);
        }
        while rest != 0 {
            let start = rest.trailing_zeros();
            let run = (rest >> start).trailing_ones();
            let end = start.wrapping_add(run);
            let from = self.at.wrapping_add(start as usize);
            if end == BLOCK_BITS {
                self.literal = Some(from);
                return true;
            }
            let to = self.at.wrapping_add(end as usize);
            if !object.get(from..to).is_some_and(literal::is_valid) {
                return false;
            }
            rest &= !below(end);
        }
        true
    }

    #[cold]
    fn note_high(&mut self, high: u64) {
        let first = self.at.wrapping_add(high.trailing_zeros() as usize);
        let last = self.at.wrapping_add(last_bit(high));
        if self.high == Span::NONE {
            self.high.start = first;
        }
        self.high.end = last.wrapping_add(1);
    }

    /// The object has come to its end: what could not be said before.
    fn end(&mut self, object: &[u8]) -> Result<Option<usize>, Unsure> {
        if !self.strings.check_end(object) {
            return Err(Unsure);
        }
        if self.high != Span::NONE {
            // The last bytes of a block may lie behind the object.
            let end = self.high.end.min(object.len());
            let high = object.get(self.high.start..end).unwrap_or_default();
            std::str::from_utf8(high).map_err(|_| Unsure)?;
        }
        self.finder.end().map_err(|_| Unsure)?;
        Ok(Some(object.len()))
    }
}

const BLOCK_BITS: u32 = 64;

/// [`ObjectReader::advance`], to be run with the best instruction set.
struct Advance<'r, 'o> {
    reader: &'r mut ObjectReader,
    object: &'o [u8],
    fields: &'r FieldSet,
}

// === impl Advance ===

impl Job for Advance<'_, '_> {
    type Output = Result<Option<usize>, Unsure>;

    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let Self {
            reader,
            object,
            fields,
        } = self;
        // The last block of a call, filled up.
        let mut padded: Block = [b' '; BLOCK];
        loop {
            let rest = object.get(reader.at..).unwrap_or_default();
            let block = if let Some(block) = rest.first_chunk() {
                block
            } else {
                // The last bytes that have arrived. They are read if the object
                // ends here, or else when there is a block of them.
                for (byte, arrived) in padded.iter_mut().zip(rest) {
                    *byte = *arrived;
                }
                let masks = Masks::of::<V>(&padded);
                let inside = reader.strings.clone().read(&masks).inside;
                if !reader.brackets.end_in(&masks, inside) {
                    return Ok(None);
                }
                &padded
            };
            let masks = Masks::of::<V>(block);
            let end = reader.block::<V>(block, &masks, object, fields)?;
            if let Some(end) = end {
                let len = reader.at.wrapping_add(end as usize);
                return reader.end(object.get(..len).unwrap_or(object));
            }
            reader.at = reader.at.wrapping_add(BLOCK);
        }
    }
}

#[cfg(test)]
mod tests;
