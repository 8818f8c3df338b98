//! What is inside what.

use super::finder::AtBlock;
use super::grammar::Tokens;
use super::{MAX_DEPTH, Unsure};
use crate::block::Masks;

/// The brackets that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Brackets {
    depth: u32,
    /// One bit for each, the innermost lowest: 1 for an object.
    kinds: u128,
}

// === impl Brackets ===

impl Brackets {
    /// Whether the object ends in a block, judged by the brackets alone.
    pub(super) fn end_in(&self, masks: &Masks, inside: u64) -> bool {
        let mut depth = self.depth;
        let mut rest = (masks.open | masks.close) & !inside;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            rest ^= bit;
            if masks.open & bit != 0 {
                depth = depth.saturating_add(1);
            } else {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return true;
                }
            }
        }
        false
    }

    /// Walks over the brackets of a block; between two of them what is read lies
    /// in one and the same object or array. Returns the bit where the outermost
    /// bracket is closed.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        masks: &Masks,
        tokens: &Tokens,
        finder: &mut AtBlock<'_>,
    ) -> Result<Option<u32>, Unsure> {
        let curly = masks.curly;
        let mut rest = tokens.open | tokens.close;
        // Half of all brackets are `{}` in `managedFields`. They change nothing,
        // unless the object itself is one, or they are one level too deep, which
        // 64 bytes cannot make of half the depth.
        if (1..MAX_DEPTH / 2).contains(&self.depth) {
            let closed = tokens.open & (tokens.close >> 1) & !(curly ^ (curly >> 1));
            rest &= !(closed | (closed << 1));
        }
        let mut unread = u64::MAX;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            rest ^= bit;
            let upto = bit | bit.wrapping_sub(1);
            self.part(unread & upto, tokens, finder)?;
            unread = !upto;
            let is_curly = curly & bit != 0;
            if tokens.open & bit != 0 {
                self.depth = self.depth.wrapping_add(1);
                if self.depth > MAX_DEPTH {
                    return Err(Unsure);
                }
                self.kinds = (self.kinds << 1) | u128::from(is_curly);
                finder.open(self.depth, is_curly);
            } else {
                if self.depth == 0 || self.is_object() != is_curly {
                    return Err(Unsure);
                }
                finder.close(self.depth, bit.trailing_zeros())?;
                self.depth = self.depth.wrapping_sub(1);
                self.kinds >>= 1;
                if self.depth == 0 {
                    return Ok(Some(bit.trailing_zeros()));
                }
            }
        }
        self.part(unread, tokens, finder)?;
        Ok(None)
    }

    /// The tokens between two brackets, and the second one.
    #[inline(always)]
    fn part(&self, part: u64, tokens: &Tokens, finder: &mut AtBlock<'_>) -> Result<(), Unsure> {
        let wrong = if self.is_object() {
            tokens.wrong_in_object
        } else {
            tokens.colon
        };
        if wrong & part != 0 {
            return Err(Unsure);
        }
        finder.members(self.depth, part, tokens)
    }

    #[inline(always)]
    fn is_object(&self) -> bool {
        self.kinds & 1 != 0
    }
}

