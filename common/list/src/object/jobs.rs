//! What runs with the best instruction set: the loop over the blocks, and what it seldom
//! comes to.

use super::grammar::Tokens;
use super::strings::InBlock;
use super::{ObjectReader, Unsure};
use crate::block::{BLOCK, Block, Job, Vector, fetch};
use crate::fields::FieldSet;
use crate::pieces::Pieces;

/// How far ahead of the block that is read bytes are asked for. A list that lies in
/// memory is read faster than the machine brings it by itself; further or half as far
/// makes little difference. The next chunk most often lies behind this one, so it may
/// reach there.
const AHEAD: usize = 4096;

/// Where a block is.
#[derive(Clone, Copy)]
pub(super) struct Place<'o> {
    pub(super) object: Pieces<'o>,
    pub(super) at: usize,
    pub(super) fields: &'o FieldSet,
}

/// [`ObjectReader::advance`], to be run with the best instruction set.
pub(super) struct Advance<'r, 'o> {
    pub(super) reader: &'r mut ObjectReader,
    pub(super) object: Pieces<'o>,
    pub(super) fields: &'o FieldSet,
}

/// A block that is put together: where two pieces meet, or at the end of what has
/// arrived, where it is less than one.
struct Loose<'r, 'o> {
    reader: &'r mut ObjectReader,
    place: Place<'o>,
    parts: [&'o [u8]; 2],
}

/// A block in which something may be found, or the object may end.
pub(super) struct Walk<'r, 'p, 'o> {
    pub(super) reader: &'r mut ObjectReader,
    pub(super) place: &'p Place<'o>,
    pub(super) strings: InBlock,
    pub(super) tokens: Tokens,
    pub(super) curly: u64,
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
        let mut place = Place {
            object,
            at: reader.at,
            fields,
        };
        // What was kept has been read already, but for less than a block.
        let unread = object.kept().get(reader.at..).unwrap_or_default();
        let mut arrived = object.arrived();
        if !unread.is_empty() {
            let missing = BLOCK.saturating_sub(unread.len());
            let (head, rest) = arrived.split_at_checked(missing).unwrap_or((arrived, &[]));
            let parts = [unread, head];
            let ended = V::apart(Loose {
                reader,
                place,
                parts,
            })?;
            if ended.is_some() || head.len() < missing {
                return Ok(ended);
            }
            place.at = reader.at;
            arrived = rest;
        }
        let mut state = reader.state;
        let (blocks, bytes) = arrived.as_chunks::<BLOCK>();
        for block in blocks {
            fetch(block, AHEAD);
            if let Some(end) = reader.block::<V>(&mut state, &place, block)? {
                return reader.end(&place, end);
            }
            place.at = place.at.wrapping_add(BLOCK);
        }
        reader.state = state;
        reader.at = place.at;
        if bytes.is_empty() {
            return Ok(None);
        }
        let parts = [bytes, &[]];
        V::apart(Loose {
            reader,
            place,
            parts,
        })
    }
}

// === impl Walk ===

impl Job for Walk<'_, '_, '_> {
    type Output = Result<Option<u32>, Unsure>;

    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let Self {
            reader,
            place,
            strings,
            tokens,
            curly,
        } = self;
        let Place { object, at, fields } = *place;
        let is_plain = !reader.checks.has_backslash(at);
        let mut finder = reader
            .finder
            .at_block(object, at, fields, &strings, is_plain);
        let brackets = &mut reader.brackets;
        let ended = if brackets.may_be_deep(&tokens) {
            brackets.walk_deep(curly, &tokens, &mut finder)
        } else {
            brackets.walk(curly, &tokens, &mut finder)
        };
        if let Some(last) = ended? {
            return reader.check_last(tokens.literal, last, place);
        }
        if reader.check(Some(tokens.literal), u64::MAX, place) {
            Ok(None)
        } else {
            Err(Unsure)
        }
    }
}

// === impl Loose ===

impl Job for Loose<'_, '_> {
    type Output = Result<Option<usize>, Unsure>;

    /// Less than a block is read if the object ends in it, or else when there is a
    /// block of it.
    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let Self {
            reader,
            place,
            parts,
        } = self;
        let [first, second] = parts;
        let mut block: Block = [b' '; BLOCK];
        let (begin, rest) = block.split_at_mut(first.len().min(BLOCK));
        copy(begin, first);
        copy(rest, second);
        let is_full = first.len().saturating_add(second.len()) >= BLOCK;
        let mut state = reader.state;
        if !is_full && !reader.ends_in::<V>(state.strings, &block) {
            return Ok(None);
        }
        match reader.block::<V>(&mut state, &place, &block)? {
            Some(end) => reader.end(&place, end),
            None if is_full => {
                reader.state = state;
                reader.at = place.at.wrapping_add(BLOCK);
                Ok(None)
            }
            None => Err(Unsure),
        }
    }
}

/// Copies as much as both have.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
}
