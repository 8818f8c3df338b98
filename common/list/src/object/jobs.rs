//! What runs with the best instruction set: the loop over the blocks, and what it seldom
//! comes to.

use super::{ObjectReader, Unsure};
use crate::block::{BLOCK, Block, Job, Vector};
use crate::fields::FieldSet;

/// Where a block is.
#[derive(Clone, Copy)]
pub(super) struct Place<'o> {
    pub(super) object: &'o [u8],
    pub(super) at: usize,
    pub(super) fields: &'o FieldSet,
}

/// [`ObjectReader::advance`], to be run with the best instruction set.
pub(super) struct Advance<'r, 'o> {
    pub(super) reader: &'r mut ObjectReader,
    pub(super) object: &'o [u8],
    pub(super) fields: &'o FieldSet,
}

/// The bytes at the end of what has arrived, less than a block.
struct Tail<'r, 'o> {
    pub(super) reader: &'r mut ObjectReader,
    pub(super) place: Place<'o>,
    pub(super) bytes: &'o [u8],
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
        let mut state = reader.state;
        let mut place = Place {
            object,
            at: reader.at,
            fields,
        };
        let rest = object.get(reader.at..).unwrap_or_default();
        let (blocks, bytes) = rest.as_chunks::<BLOCK>();
        for block in blocks {
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
        V::apart(Tail {
            reader,
            place,
            bytes,
        })
    }
}

// === impl Tail ===

impl Job for Tail<'_, '_> {
    type Output = Result<Option<usize>, Unsure>;

    /// The bytes are read if the object ends in them, or else when there is a
    /// block of them.
    #[inline(always)]
    fn run<V: Vector>(self) -> Self::Output {
        let Self {
            reader,
            place,
            bytes,
        } = self;
        let mut block: Block = [b' '; BLOCK];
        for (byte, arrived) in block.iter_mut().zip(bytes) {
            *byte = *arrived;
        }
        let mut state = reader.state;
        if !reader.ends_in::<V>(state.strings, &block) {
            return Ok(None);
        }
        match reader.block::<V>(&mut state, &place, &block)? {
            Some(end) => reader.end(&place, end),
            None => Err(Unsure),
        }
    }
}
