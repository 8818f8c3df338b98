//! Reads an item that is an object: where it ends, that it is JSON, and the fields that are wanted.
//!
//! ```text
//! 64 bytes ──> Strings ──> Grammar ──> Brackets ──> Finder
//!              what is     may this    what is in   the members that
//!              a string    follow that what         a query names
//! ```
//!
//! Most of the work is done on bit masks, 64 bytes at once, whatever they hold:
//! that every token may follow the one before it can be said without knowing what
//! is inside what, except for keys and colons, which belong in objects alone. Where
//! all is objects in objects counting the brackets does, elsewhere a walk over them.
//! Only brackets, numbers, literals and uncommon escapes are looked at one by one.
//!
//! It says what is certainly valid by the grammar of JSON, as deep as it may be. What it
//! is not sure of is read again by `serde_json`, which is the judge of what JSON is and of
//! how a fault is told.

mod brackets;
mod finder;
mod grammar;
mod jobs;
mod literal;
mod strings;
mod uncommon;

use self::brackets::Brackets;
use self::finder::Finder;
use self::grammar::Grammar;
use self::jobs::{Advance, Place, Walk};
use self::literal::Literals;
use self::strings::{InBlock, Strings};
use self::uncommon::Checks;
use crate::block::{Block, Masks, Quotes, Uncommon, Vector, below, with_best};
use crate::fields::{FieldSet, Places};
use crate::pieces::Pieces;

/// Reads one object after the other, each as it arrives. It may be an array as well,
/// in which there are no fields.
///
/// Between two calls what has arrived is to be kept, and may be moved.
#[derive(Debug)]
pub(crate) struct ObjectReader {
    /// Bytes that were read: a multiple of [`BLOCK`](crate::block::BLOCK).
    at: usize,
    state: State,
    brackets: Brackets,
    checks: Checks,
    literals: Literals,
    finder: Finder,
}

/// What every block changes: kept in registers from one to the next.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    strings: Strings,
    grammar: Grammar,
}

/// The object may not be valid.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsure;

// === impl ObjectReader ===

impl ObjectReader {
    pub(crate) fn new() -> Self {
        Self {
            at: 0,
            state: State::default(),
            brackets: Brackets::default(),
            checks: Checks::default(),
            literals: Literals::default(),
            finder: Finder::default(),
        }
    }

    /// Begins with a new object. Its first byte is a bracket.
    pub(crate) fn begin(&mut self, fields: &FieldSet) {
        self.at = 0;
        self.state = State::default();
        self.brackets.begin();
        self.checks = Checks::default();
        self.literals = Literals::default();
        self.finder.begin(fields);
    }

    /// Goes on reading. `object` is all that has arrived, from the `{` on; all that
    /// was shown before is in its first piece.
    ///
    /// Returns the object's length once its end has arrived.
    pub(crate) fn advance(
        &mut self,
        object: Pieces<'_>,
        fields: &FieldSet,
    ) -> Result<Option<usize>, Unsure> {
        with_best(Advance {
            reader: self,
            object,
            fields,
        })
    }

    /// Returns what was found in the object that has just ended.
    pub(crate) fn places(&self) -> &Places {
        self.finder.places()
    }

    /// Returns the memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.finder
            .held_bytes()
            .saturating_add(self.brackets.held_bytes())
    }

    /// Reads a block. Returns how much of it belongs to the object, if it ends here.
    #[inline(always)]
    fn block<V: Vector>(
        &mut self,
        state: &mut State,
        place: &Place<'_>,
        block: &Block,
    ) -> Result<Option<u32>, Unsure> {
        let strings = self.strings::<V>(&mut state.strings, block, place);
        if strings.is_all() && !self.checks.are_due() {
            // Nothing but a part of a string: what is between tokens stays.
            return Ok(None);
        }
        let masks = Masks::of::<V>(block);
        let in_literal = state.grammar.in_literal();
        let tokens = state.grammar.read(&masks, &strings, || {
            Masks::spaces::<V>(block) | self.checks.control()
        });
        let curly = masks.curly;
        let is_sound = if self.brackets.read_objects(curly, &tokens) {
            tokens.wrong | tokens.wrong_in_object == 0
        } else if self.brackets.is_quiet(&tokens, self.finder.depth()) {
            let finder_depth = self.finder.depth();
            self.brackets.read_quietly(curly, &tokens, finder_depth)
        } else {
            let walk = Walk {
                reader: self,
                place,
                strings,
                tokens,
                curly,
            };
            return V::apart(walk);
        };
        let literals = (tokens.literal != 0 || in_literal).then_some(tokens.literal);
        if is_sound && self.check(literals, u64::MAX, place) {
            Ok(None)
        } else {
            Err(Unsure)
        }
    }

    /// Returns whether the object ends in the next block.
    #[inline(always)]
    fn ends_in<V: Vector>(&self, mut strings: Strings, block: &Block) -> bool {
        let escaped = strings.escapes(Uncommon::of::<V>(block).backslash);
        let quotes = Quotes::of::<V>(block).quote & !escaped;
        let inside = strings.read::<V>(quotes).inside;
        self.brackets.end_in(&Masks::of::<V>(block), inside)
    }

    /// Finds the strings of a block.
    #[inline(always)]
    fn strings<V: Vector>(
        &mut self,
        strings: &mut Strings,
        block: &Block,
        place: &Place<'_>,
    ) -> InBlock {
        let Quotes {
            quote,
            has_uncommon,
        } = Quotes::of::<V>(block);
        if !has_uncommon && !strings.escape_goes_on() {
            return strings.read::<V>(quote);
        }
        let uncommon = Uncommon::of::<V>(block);
        let escaped = strings.escapes(uncommon.backslash);
        let strings = strings.read::<V>(quote & !escaped);
        self.checks
            .note(&uncommon, escaped & !quote, &strings, place.at);
        strings
    }

    /// Returns whether what is within these bits of a block is as JSON has it.
    #[inline(always)]
    fn check(&mut self, literals: Option<u64>, within: u64, place: &Place<'_>) -> bool {
        let mut is_sound = true;
        if self.checks.are_due() {
            is_sound &= self.checks.make(within, &place.object, place.at);
        }
        if let Some(literals) = literals {
            is_sound &= self
                .literals
                .check(literals & within, &place.object, place.at);
        }
        is_sound
    }

    /// The same for the block in which the object ends.
    #[cold]
    #[inline(never)]
    fn check_last(
        &mut self,
        literals: u64,
        last: u32,
        place: &Place<'_>,
    ) -> Result<Option<u32>, Unsure> {
        let len = last.saturating_add(1);
        if self.check(Some(literals), below(len), place) {
            Ok(Some(len))
        } else {
            Err(Unsure)
        }
    }

    /// The object has come to its end: what could not be said before.
    fn end(&mut self, place: &Place<'_>, bytes: u32) -> Result<Option<usize>, Unsure> {
        let len = place.at.wrapping_add(bytes as usize);
        if !self.checks.check_end(&place.object) {
            return Err(Unsure);
        }
        self.finder.end().map_err(|_| Unsure)?;
        Ok(Some(len))
    }
}

#[cfg(test)]
mod tests;
