//! What is inside what.

use super::finder::AtBlock;
use super::grammar::Tokens;
use super::{MAX_DEPTH, Unsure};
use crate::block::Masks;

/// The brackets that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Brackets {
    depth: u32,
    /// How many objects there are since the innermost array.
    objects: u32,
    /// The others, one bit for each, the innermost lowest: 1 for an object. So
    /// the lowest one is an array, or there is none.
    others: u128,
}

/// What is to be said of a block that was read quietly.
pub(super) enum Quiet {
    Sound,
    Unsound,
}

// === impl Quiet ===

impl Quiet {
    #[inline(always)]
    fn of(is_sound: bool) -> Self {
        if is_sound { Self::Sound } else { Self::Unsound }
    }
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

    /// Reads the brackets of a block in which the object does not end and nothing
    /// is to be found; `None` if it may be another block.
    #[inline(always)]
    pub(super) fn read_quietly(
        &mut self,
        masks: &Masks,
        tokens: &Tokens,
        finder_depth: u32,
    ) -> Option<Quiet> {
        let Tokens { open, close, .. } = *tokens;
        let curly = masks.curly;
        // Pairs like `{}` change nothing; they are half of all brackets.
        let pairs = open & (close >> 1) & !(curly ^ (curly >> 1));
        let kept = !(pairs | (pairs << 1));
        let (open, close) = (open & kept, close & kept);
        let closes = close.count_ones();
        // It may not come to where something is to be found, nor too deep.
        if self.depth <= finder_depth.wrapping_add(closes) || self.depth >= MAX_DEPTH / 2 {
            return None;
        }
        let opens = open.count_ones();
        self.depth = self.depth.wrapping_add(opens).wrapping_sub(closes);
        if (open | close) & !curly == 0 && closes < self.objects {
            // Objects in objects, and none of them is left for an array: most of
            // `managedFields`.
            self.objects = self.objects.wrapping_add(opens).wrapping_sub(closes);
            return Some(Quiet::of(tokens.wrong_in_object == 0));
        }
        let mut rest = open | close;
        let mut unread = u64::MAX;
        let mut wrong: u64 = 0;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let upto = rest ^ rest.wrapping_sub(1);
            rest ^= bit;
            wrong |= self.wrong(tokens) & unread & upto;
            unread = !upto;
            let opens = open & bit != 0;
            if curly & bit != 0 {
                // No branch: which it is cannot be foreseen.
                wrong |= u64::from(!opens & (self.objects == 0));
                let change = if opens { 1 } else { u32::MAX };
                self.objects = self.objects.wrapping_add(change);
            } else if opens {
                self.open_array();
            } else {
                wrong |= u64::from(self.close_array().is_err());
            }
        }
        wrong |= self.wrong(tokens) & unread;
        Some(Quiet::of(wrong == 0))
    }

    /// Walks over the brackets of a block; between two of them what is read lies
    /// in one and the same object or array. Returns the bit where the outermost
    /// one is closed.
    #[inline(always)]
    pub(super) fn walk(
        &mut self,
        curly: u64,
        tokens: &Tokens,
        finder: &mut AtBlock<'_>,
    ) -> Result<Option<u32>, Unsure> {
        let mut rest = tokens.open | tokens.close;
        let mut unread = u64::MAX;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let upto = rest ^ rest.wrapping_sub(1);
            rest ^= bit;
            self.part(unread & upto, tokens, finder)?;
            unread = !upto;
            let is_curly = curly & bit != 0;
            if tokens.open & bit != 0 {
                self.depth = self.depth.wrapping_add(1);
                sound(self.depth <= MAX_DEPTH)?;
                if is_curly {
                    self.objects = self.objects.wrapping_add(1);
                } else {
                    self.open_array();
                }
                finder.open(self.depth, is_curly);
            } else {
                sound(self.depth > 0)?;
                finder.close(self.depth, bit.trailing_zeros())?;
                self.depth = self.depth.wrapping_sub(1);
                if is_curly {
                    self.objects = self.objects.checked_sub(1).ok_or(Unsure)?;
                } else {
                    self.close_array()?;
                }
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
        sound(self.wrong(tokens) & part == 0)?;
        finder.members(self.depth, part, tokens)
    }

    /// What may not be where it is inside the innermost bracket, besides what is
    /// wrong everywhere.
    #[inline(always)]
    fn wrong(&self, tokens: &Tokens) -> u64 {
        if self.objects > 0 {
            tokens.wrong_in_object
        } else {
            tokens.colon
        }
    }

    fn open_array(&mut self) {
        let objects = std::mem::take(&mut self.objects);
        // One bit for each of the objects, and one for the array.
        let others = !(!self.others).checked_shl(objects).unwrap_or_default();
        self.others = others << 1;
    }

    fn close_array(&mut self) -> Result<(), Unsure> {
        sound(self.objects == 0)?;
        let others = self.others >> 1;
        self.objects = others.trailing_ones();
        self.others = others.checked_shr(self.objects).unwrap_or_default();
        Ok(())
    }
}

#[inline(always)]
fn sound(is_sound: bool) -> Result<(), Unsure> {
    if is_sound { Ok(()) } else { Err(Unsure) }
}
