//! Whether each token may follow the one before it.

use super::strings::InBlock;
use crate::block::Masks;

/// What the next block has to know of the one before it: whether the token that
/// comes next follows one of this kind. It is in the highest bit; the others say
/// nothing.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    value: u64,
    literal: u64,
    colon: u64,
    comma: u64,
    open: u64,
    /// A string where a key may be: behind `{`, `[` or `,`.
    key: u64,
    /// 1 if such a string goes on.
    key_goes_on: u64,
}

/// The tokens of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    /// The brackets outside of strings.
    pub(super) open: u64,
    pub(super) close: u64,
    pub(super) colon: u64,
    pub(super) comma: u64,
    /// The quotes that begin a string.
    pub(super) string_open: u64,
    /// Numbers and literals, and whatever else is no other token.
    pub(super) literal: u64,
    /// What may not be where it is.
    pub(super) wrong: u64,
    /// What may not be where it is if that is in an object. In an array it is
    /// the colons.
    pub(super) wrong_in_object: u64,
}

// === impl Default ===

impl Default for Grammar {
    /// Before an object: as behind a colon, a value has to come.
    fn default() -> Self {
        Self {
            value: 0,
            literal: 0,
            colon: u64::MAX,
            comma: 0,
            open: 0,
            key: 0,
            key_goes_on: 0,
        }
    }
}

// === impl Grammar ===

impl Grammar {
    #[inline(always)]
    pub(super) fn read(
        &mut self,
        masks: &Masks,
        strings: &InBlock,
        spaces: impl Fn() -> u64,
    ) -> Tokens {
        let outside = !(strings.inside | strings.quotes);
        let mut tokens = Tokens {
            open: masks.open & outside,
            close: masks.close & outside,
            colon: masks.colon & outside,
            comma: masks.comma & outside,
            string_open: strings.quotes & strings.inside,
            literal: 0,
            wrong: 0,
            wrong_in_object: 0,
        };
        // Each of three ways does only what its blocks need: most hold no number
        // or literal, and API servers write no white space.
        let other = outside & !(tokens.open | tokens.close | tokens.colon | tokens.comma);
        if other == 0 {
            return self.judge(tokens, strings, |follows, _| follows);
        }
        let space = (spaces() | masks.control()) & other;
        tokens.literal = other & !space;
        if space == 0 {
            self.judge(tokens, strings, |follows, _| follows)
        } else {
            self.judge(tokens, strings, |follows, carry| {
                // A run of white space with a bit at its beginning: the sum
                // carries the bit to behind the run.
                let (sum, over) = (follows & space).overflowing_add(space);
                *carry |= u64::from(over) << 63;
                (follows | sum) & !space
            })
        }
    }

    #[inline(always)]
    fn judge(
        &mut self,
        mut tokens: Tokens,
        strings: &InBlock,
        skip_space: impl Fn(u64, &mut u64) -> u64,
    ) -> Tokens {
        let Tokens {
            open,
            close,
            colon,
            comma,
            string_open,
            literal,
            ..
        } = tokens;
        let string_close = strings.quotes & !strings.inside;
        // The token that follows one of these.
        let next = |ends: u64, carry: &mut u64| {
            let follows = (ends << 1) | (*carry >> 63);
            *carry = ends;
            skip_space(follows, carry)
        };

        let literal_before = (literal << 1) | (self.literal >> 63);
        self.literal = literal;
        let literal_open = literal & !literal_before;
        // What follows a literal is known only behind its end, so that its bit
        // is the token's own.
        let after_value = {
            let ended = literal_before & !literal;
            let follows = ((string_close | close) << 1) | (self.value >> 63) | ended;
            self.value = string_close | close;
            skip_space(follows, &mut self.value)
        };
        let after_colon = next(colon, &mut self.colon);
        let after_comma = next(comma, &mut self.comma);
        let after_open = next(open, &mut self.open);

        let maybe_key = string_open & !after_colon;
        let key_close = ends(
            maybe_key,
            strings.inside,
            string_close,
            &mut self.key_goes_on,
        );
        let after_key = next(key_close, &mut self.key);

        let begins = string_open | literal_open | open;
        tokens.wrong = (comma & !after_value)
            | (colon & !after_key)
            | (close & !(after_value | after_open))
            | (begins & !(after_colon | after_comma | after_open));
        tokens.wrong_in_object = ((literal_open | open) & !after_colon) | (after_key & !colon);
        tokens
    }

    /// Whether the control characters of a block are white space between tokens.
    #[inline(always)]
    pub(super) fn only_white_space(
        &self,
        masks: &Masks,
        strings: &InBlock,
        within: u64,
        object: &[u8],
        at: usize,
    ) -> bool {
        let mut rest = masks.control() & within;
        if rest & strings.inside != 0 {
            return false;
        }
        while rest != 0 {
            let place = at.wrapping_add(rest.trailing_zeros() as usize);
            if !matches!(object.get(place), Some(b'\t' | b'\n' | b'\r')) {
                return false;
            }
            rest &= rest.wrapping_sub(1);
        }
        true
    }
}

/// The closing quotes of the strings that open here: adding the opening bit to
/// the run of a string's bits carries it to behind the run.
#[inline(always)]
fn ends(opens: u64, inside: u64, string_close: u64, goes_on: &mut u64) -> u64 {
    let (sum, over) = inside.overflowing_add(opens);
    let (sum, over_too) = sum.overflowing_add(*goes_on);
    *goes_on = u64::from(over | over_too);
    sum & string_close
}
