//! What is inside what.

mod deeper;

use self::deeper::Deeper;
use super::Unsure;
use super::finder::AtBlock;
use super::grammar::Tokens;
use crate::block::Masks;

/// The brackets that are open.
#[derive(Debug)]
pub(super) struct Brackets {
    depth: u32,
    /// Which of them are arrays: bit n for the one at depth n. Bit 0 is set, as
    /// outside of everything there is no colon either; bits above the depth are not.
    arrays: u128,
    /// The same of those below [`MAX_DEPTH`], the innermost one last.
    deeper: Deeper,
    /// Above this depth are objects in objects, and nothing is to be found there.
    floor: u32,
}

/// Brackets up to this depth are told apart by 64 bits.
const QUIET_DEPTH: u32 = 63;

/// Brackets up to this depth are told apart by 128 bits; others are put aside.
const MAX_DEPTH: u32 = 126;

// === impl Default ===

impl Default for Brackets {
    fn default() -> Self {
        Self {
            depth: 0,
            arrays: 1,
            deeper: Deeper::default(),
            floor: 0,
        }
    }
}

// === impl Brackets ===

impl Brackets {
    /// Nothing is open.
    pub(super) fn begin(&mut self) {
        self.depth = 0;
        self.arrays = 1;
        self.deeper.clear();
        self.floor = 0;
    }

    /// Returns the memory that it takes.
    pub(super) fn held_bytes(&self) -> usize {
        self.deeper.held_bytes()
    }

    /// Returns whether in this block there may be more open than 128 bits tell apart.
    #[inline(always)]
    pub(super) fn may_be_deep(&self, tokens: &Tokens) -> bool {
        self.depth.wrapping_add(tokens.open.count_ones()) > MAX_DEPTH
    }

    /// Returns whether the object ends in a block, judged by the brackets alone.
    pub(super) fn end_in(&self, masks: &Masks, inside: u64) -> bool {
        let mut depth = self.depth;
        let mut rest = (masks.open | masks.close) & !inside;
        if (masks.close & rest).count_ones() < depth {
            return false;
        }
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

    /// Reads the brackets of a block that holds nothing but objects in objects, and
    /// nothing that is to be found; says whether it is one. This is most of
    /// `managedFields`.
    #[inline(always)]
    pub(super) fn read_objects(&mut self, curly: u64, tokens: &Tokens) -> bool {
        let Tokens { open, close, .. } = *tokens;
        let opens = open.count_ones();
        // Three conditions in one branch, as none of them can be foreseen alone. All
        // brackets are curly; even if all closing ones came first, more would stay open
        // than the floor; even if all opening ones did, no more than 63. The latter two
        // are numbers that are negative if they hold, so bit 31 of both says that both do.
        //
        // Seven are open, the floor is 3, and the block is `{"f:a":{},"f:b":{}}`: three
        // open and three close. 3 + 3 - 7 is -1, 7 + 3 - 64 is -54, and of both, bit 31
        // is set: `!(…) >> 31` is 0. With one more `}` the first is 0, and it is not.
        let over_floor = self
            .floor
            .wrapping_add(closes(tokens))
            .wrapping_sub(self.depth);
        let over_limit = self.depth.wrapping_add(opens).wrapping_sub(QUIET_DEPTH + 1);
        let is_one = ((open | close) & !curly) | u64::from(!(over_floor & over_limit) >> 31) == 0;
        if is_one {
            let change = opens.wrapping_sub(close.count_ones());
            self.depth = self.depth.wrapping_add(change);
        }
        is_one
    }

    /// Returns whether in this block nothing is to be found, nor its end, and it is not
    /// too deep.
    #[inline(always)]
    pub(super) fn is_quiet(&self, tokens: &Tokens, finder_depth: u32) -> bool {
        (self.depth > finder_depth.wrapping_add(closes(tokens)))
            & (self.depth.wrapping_add(tokens.open.count_ones()) <= QUIET_DEPTH)
    }

    /// Reads the brackets of such a block; says whether they match, and what is
    /// between them is right.
    ///
    /// The levels are a stack in a number: the innermost one is the highest bit, 1 for an
    /// array. Below two objects (`00…`) the block `[{"a":1}]` without its pair of curly
    /// brackets, which change nothing, is `[` and `]`: the first shifts a 1 in from above
    /// (`100…`), the second finds a 1 there, as it should, and shifts it out. A `}` in its
    /// place would find a 1 where it wants a 0: `wrong` keeps that bit.
    #[inline(always)]
    pub(super) fn read_quietly(&mut self, curly: u64, tokens: &Tokens, finder_depth: u32) -> bool {
        let Tokens { open, close, .. } = *tokens;
        // Pairs like `{}` change nothing; they are half of all brackets.
        let pairs = open & (close >> 1) & !(curly ^ (curly >> 1));
        let mut rest = (open | close) & !(pairs | (pairs << 1));
        let depth = self.depth;
        // What is open, the innermost one in the highest bit. No level is lost: there
        // are no more than 63, and the outermost ones are not closed here.
        let mut stack = (self.arrays as u64).wrapping_shl(QUIET_DEPTH.wrapping_sub(depth));
        // Which bytes are in an array rather than an object.
        let mut in_array = all_if_high(stack);
        let mut wrong = 0;
        while rest != 0 {
            let upto = rest ^ rest.wrapping_sub(1);
            let bit = rest & upto;
            rest ^= bit;
            let is_array = if curly & bit == 0 { HIGH } else { 0 };
            // No branch: which bracket it is cannot be foreseen.
            let opens = open & bit != 0;
            let (after, fault) = if opens {
                ((stack >> 1) | is_array, 0)
            } else {
                (stack << 1, stack ^ is_array)
            };
            wrong |= fault;
            in_array ^= !upto & all_if_high(stack ^ after);
            stack = after;
        }
        let depth = depth
            .wrapping_add(open.count_ones())
            .wrapping_sub(close.count_ones());
        self.depth = depth;
        self.arrays = stack.wrapping_shr(QUIET_DEPTH.wrapping_sub(depth)).into();
        self.settle(finder_depth);
        wrong &= HIGH;
        wrong |= tokens.wrong;
        wrong |= tokens.wrong_in_object & !in_array;
        wrong |= tokens.colon & in_array;
        wrong == 0
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
        let mut depth = self.depth;
        // What is open, the innermost one in the highest bit.
        let mut stack = self.arrays.wrapping_shl(DEEPEST.wrapping_sub(depth));
        let mut wrong = tokens.wrong;
        let mut is_sound = true;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let upto = rest ^ rest.wrapping_sub(1);
            rest ^= bit;
            let part = unread & upto;
            unread = !upto;
            wrong |= part & wrong_inside(stack, tokens);
            let is_array = curly & bit == 0;
            let at_finder = depth == finder.depth();
            if at_finder {
                finder.members(part, tokens)?;
            }
            if tokens.open & bit != 0 {
                depth = depth.wrapping_add(1);
                stack = (stack >> 1) | (u128::from(is_array) << DEEPEST);
                if at_finder && !is_array {
                    finder.enter(depth);
                }
            } else {
                is_sound &= depth > 0 && is_high(stack) == is_array;
                if at_finder {
                    finder.close(bit.trailing_zeros());
                }
                depth = depth.wrapping_sub(1);
                stack <<= 1;
                if depth == 0 {
                    sound(is_sound && wrong & upto == 0)?;
                    return Ok(Some(bit.trailing_zeros()));
                }
            }
        }
        wrong |= unread & wrong_inside(stack, tokens);
        if depth == finder.depth() {
            finder.members(unread, tokens)?;
        }
        sound(is_sound && wrong == 0)?;
        self.depth = depth;
        self.arrays = stack.wrapping_shr(DEEPEST.wrapping_sub(depth));
        self.settle(finder.depth());
        Ok(None)
    }

    /// [`Self::walk`] where it [may be deep](Self::may_be_deep).
    #[cold]
    #[inline(never)]
    pub(super) fn walk_deep(
        &mut self,
        curly: u64,
        tokens: &Tokens,
        finder: &mut AtBlock<'_>,
    ) -> Result<Option<u32>, Unsure> {
        let mut rest = tokens.open | tokens.close;
        let mut unread = u64::MAX;
        let mut wrong = tokens.wrong;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let upto = rest ^ rest.wrapping_sub(1);
            rest ^= bit;
            let part = unread & upto;
            unread = !upto;
            wrong |= part & wrong_in(self.is_in_array(), tokens);
            let is_array = curly & bit == 0;
            let at_finder = self.depth == finder.depth();
            if at_finder {
                finder.members(part, tokens)?;
            }
            if tokens.open & bit != 0 {
                self.open(is_array);
                if at_finder && !is_array {
                    finder.enter(self.depth);
                }
                continue;
            }
            sound(self.depth > 0 && self.is_in_array() == is_array)?;
            if at_finder {
                finder.close(bit.trailing_zeros());
            }
            self.close();
            if self.depth == 0 {
                sound(wrong & upto == 0)?;
                return Ok(Some(bit.trailing_zeros()));
            }
        }
        wrong |= unread & wrong_in(self.is_in_array(), tokens);
        if self.depth == finder.depth() {
            finder.members(unread, tokens)?;
        }
        sound(wrong == 0)?;
        self.settle(finder.depth());
        Ok(None)
    }

    fn is_in_array(&self) -> bool {
        if self.depth > MAX_DEPTH {
            return self.deeper.last();
        }
        self.arrays.wrapping_shr(self.depth) & 1 != 0
    }

    fn open(&mut self, is_array: bool) {
        self.depth = self.depth.wrapping_add(1);
        if self.depth > MAX_DEPTH {
            self.deeper.push(is_array);
        } else {
            self.arrays |= u128::from(is_array).wrapping_shl(self.depth);
        }
    }

    fn close(&mut self) {
        if self.depth > MAX_DEPTH {
            self.deeper.pop();
        } else {
            self.arrays &= !1_u128.wrapping_shl(self.depth);
        }
        self.depth = self.depth.wrapping_sub(1);
    }

    /// Remembers from where on there is nothing but objects in objects.
    #[inline(always)]
    fn settle(&mut self, finder_depth: u32) {
        let innermost_array = 127_u32.wrapping_sub(self.arrays.leading_zeros());
        self.floor = innermost_array.max(finder_depth);
    }
}

/// The place of the highest bit of 128.
const DEEPEST: u32 = 127;

/// Returns what is wrong inside the array or object that is the innermost one of these.
#[inline(always)]
fn wrong_inside(stack: u128, tokens: &Tokens) -> u64 {
    wrong_in(is_high(stack), tokens)
}

#[inline(always)]
fn wrong_in(is_array: bool, tokens: &Tokens) -> u64 {
    if is_array {
        tokens.colon
    } else {
        tokens.wrong_in_object
    }
}

#[inline(always)]
fn is_high(stack: u128) -> bool {
    stack >> DEEPEST != 0
}

/// The highest bit.
const HIGH: u64 = 1 << 63;

/// Returns all bits if the highest one is set.
#[inline(always)]
fn all_if_high(bits: u64) -> u64 {
    bits.cast_signed().wrapping_shr(63).cast_unsigned()
}

/// Returns how many brackets are closed that were not opened by the byte before.
#[inline(always)]
fn closes(tokens: &Tokens) -> u32 {
    (tokens.close & !(tokens.open << 1)).count_ones()
}

#[inline(always)]
fn sound(is_sound: bool) -> Result<(), Unsure> {
    if is_sound { Ok(()) } else { Err(Unsure) }
}
