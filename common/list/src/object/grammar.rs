//! Whether each token may follow the one before it.
//!
//! Call `:`, `,` and the opening brackets separators. A token follows a separator or
//! it follows the end of a value, and a token begins a value or it does not: the
//! one must be so where the other is, except for a bracket that closes an empty
//! object or array. What is left are keys: in an object what follows `{` or `,`
//! is a string, a colon is behind each of these, and no other is anywhere.

use super::strings::InBlock;
use crate::block::Masks;

/// What the next block has to know of the one before it: 1 or 0 each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grammar {
    /// The next token follows a separator.
    separated: u64,
    /// It follows `,` or an opening bracket.
    leads: u64,
    /// It follows an opening bracket.
    opened: u64,
    /// It is the end of a key or what follows one.
    key: u64,
    /// The last byte is part of a number or literal.
    literal: u64,
}

/// The tokens of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    /// The brackets outside of strings.
    pub(super) open: u64,
    pub(super) close: u64,
    pub(super) colon: u64,
    pub(super) comma: u64,
    /// Numbers and literals, and whatever else is no other token.
    pub(super) literal: u64,
    /// What may not be where it is.
    pub(super) wrong: u64,
    /// What may not be where it is if that is in an object. In an array it is
    /// the colons.
    pub(super) wrong_in_object: u64,
}

/// The tokens of one byte.
#[derive(Clone, Copy)]
struct Signs {
    open: u64,
    close: u64,
    colon: u64,
    comma: u64,
}

/// What is between them.
#[derive(Clone, Copy)]
struct Between {
    /// Where strings, numbers and literals begin.
    begins: u64,
    literal: u64,
    /// White space.
    space: u64,
}

/// A block with white space, put into one: by themselves the parts would have to be in
/// memory for the blocks without, too.
#[derive(Clone, Copy)]
struct Spaced {
    signs: Signs,
    strings: InBlock,
    between: Between,
}

// === impl Default ===

impl Default for Grammar {
    /// Before an object: as behind a colon, a value has to come.
    fn default() -> Self {
        Self {
            separated: 1,
            leads: 0,
            opened: 0,
            key: 0,
            literal: 0,
        }
    }
}

// === impl Signs ===

impl Signs {
    #[inline(always)]
    fn all(&self) -> u64 {
        self.open | self.close | self.colon | self.comma
    }
}

// === impl Grammar ===

impl Grammar {
    /// Returns whether a number or literal ends behind the last block, or goes on.
    #[inline(always)]
    pub(super) fn in_literal(&self) -> bool {
        self.literal != 0
    }

    /// Reads a block. `spaces` says where there is white space, if that is asked for.
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        masks: &Masks,
        strings: &InBlock,
        spaces: impl FnOnce() -> u64,
    ) -> Tokens {
        // Strings but for their opening quotes.
        let outside = !(strings.inside ^ strings.quotes);
        let signs = Signs {
            open: masks.open & outside,
            close: masks.close & outside,
            colon: masks.colon & outside,
            comma: masks.comma & outside,
        };
        let rest = outside & !signs.all();
        let other = rest & !strings.quotes;
        // Each of three ways does only what its blocks need: most hold no number
        // or literal, and API servers write no white space.
        let mut between = Between {
            begins: rest,
            literal: 0,
            space: 0,
        };
        if (other | self.literal) != 0 {
            let space = if other == 0 { 0 } else { spaces() & other };
            let literal = other & !space;
            let goes_on = literal & ((literal << 1) | self.literal);
            self.literal = literal >> 63;
            between = Between {
                begins: rest & !space & !goes_on,
                literal,
                space,
            };
            if space != 0 {
                let tokens;
                (tokens, *self) = self.judge_spaced(Spaced {
                    signs,
                    strings: *strings,
                    between,
                });
                return tokens;
            }
        }
        self.judge(signs, strings, &between, |follows, _| follows)
    }

    /// Returns the rare way, which takes and gives copies, so that they need not be in
    /// memory for the other two.
    #[cold]
    #[inline(never)]
    fn judge_spaced(mut self, spaced: Spaced) -> (Tokens, Self) {
        let Spaced {
            signs,
            strings,
            between,
        } = spaced;
        let space = between.space;
        let tokens = self.judge(signs, &strings, &between, |follows, carry| {
            // A run of white space with a bit at its beginning: the sum carries
            // the bit to behind the run.
            let (sum, over) = (follows & space).overflowing_add(space);
            *carry |= u64::from(over);
            (follows | sum) & !space
        });
        (tokens, self)
    }

    #[inline(always)]
    fn judge(
        &mut self,
        signs: Signs,
        strings: &InBlock,
        between: &Between,
        skip_space: impl Fn(u64, &mut u64) -> u64,
    ) -> Tokens {
        let Signs {
            open,
            close,
            colon,
            comma,
        } = signs;
        // The tokens that follow one of these.
        let next = |tokens: u64, carry: &mut u64| {
            let follows = (tokens << 1) | *carry;
            *carry = tokens >> 63;
            skip_space(follows, carry)
        };
        let leads = open | comma;
        let after_separator = next(leads | colon, &mut self.separated);
        let after_lead = next(leads, &mut self.leads);
        let after_open = next(open, &mut self.opened);
        let wrong = (after_separator ^ (between.begins | open)) & !(close & after_open);

        // A key and the white space behind it is a run: adding the key's first bit
        // carries it to behind the run.
        let ends = signs.all() | between.literal;
        let keys = after_lead & strings.quotes;
        let (sum, over) = (!ends).overflowing_add(keys | self.key);
        self.key = u64::from(over);
        let wrong_in_object = ((sum & ends) ^ colon) | (after_lead & !(strings.quotes | close));
        Tokens {
            open,
            close,
            colon,
            comma,
            literal: between.literal,
            wrong,
            wrong_in_object,
        }
    }
}
