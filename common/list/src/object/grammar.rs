//! Whether each token may follow the one before it.

use super::strings::InBlock;
use crate::block::Masks;

/// What the next block has to know of the one before it. Each is 0 or 1: the
/// next token follows such a one, or a string of this kind goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Grammar {
    value: u64,
    literal: u64,
    colon: u64,
    comma: u64,
    curly: u64,
    square: u64,
    /// A string right behind `{`, which has to be a key.
    first_key: u64,
    first_key_goes_on: u64,
    /// A string right behind `,`: a key in an object, a value in an array.
    listed: u64,
    listed_goes_on: u64,
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
    /// What may not be where it is if that is in an object.
    pub(super) wrong_in_object: u64,
}

// === impl Grammar ===

impl Grammar {
    #[inline(always)]
    pub(super) fn read(&mut self, masks: &Masks, strings: &InBlock) -> Tokens {
        let outside = !(strings.inside | strings.quotes);
        let space = (masks.blank | masks.control) & outside;
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
        tokens.literal = outside
            & !(tokens.open | tokens.close | tokens.colon | tokens.comma | space);
        // API servers write no white space, so one way is for blocks without.
        if space == 0 {
            self.judge(tokens, masks.curly, strings, |follows, _| follows)
        } else {
            self.judge(tokens, masks.curly, strings, |follows, carry| {
                // A run of white space with a bit at its beginning: the sum
                // carries the bit to behind the run.
                let (sum, over) = (follows & space).overflowing_add(space);
                *carry |= u64::from(over);
                (follows | sum) & !space
            })
        }
    }

    #[inline(always)]
    fn judge(
        &mut self,
        mut tokens: Tokens,
        curly: u64,
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
            let follows = (ends << 1) | *carry;
            *carry = ends >> 63;
            skip_space(follows, carry)
        };

        let literal_before = (literal << 1) | self.literal;
        self.literal = literal >> 63;
        let literal_open = literal & !literal_before;
        // What follows a literal is known only behind its end, so that its bit
        // is the token's own.
        let after_value = {
            let ended = literal_before & !literal;
            let follows = ((string_close | close) << 1) | self.value | ended;
            self.value = (string_close | close) >> 63;
            skip_space(follows, &mut self.value)
        };
        let after_colon = next(colon, &mut self.colon);
        let after_comma = next(comma, &mut self.comma);
        let after_curly = next(open & curly, &mut self.curly);
        let after_square = next(open & !curly, &mut self.square);

        let first_key = ends(
            string_open & after_curly,
            strings.inside,
            string_close,
            &mut self.first_key_goes_on,
        );
        let listed = ends(
            string_open & after_comma,
            strings.inside,
            string_close,
            &mut self.listed_goes_on,
        );
        let after_first_key = next(first_key, &mut self.first_key);
        let after_listed = next(listed, &mut self.listed);

        let begins = string_open | literal_open | open;
        tokens.wrong = (after_value & !(comma | close | colon))
            | ((after_colon | after_comma) & !begins)
            | (after_curly & !(string_open | (close & curly)))
            | (after_square & !(begins | (close & !curly)))
            | (after_first_key & !colon)
            | (colon & !(after_first_key | after_listed));
        tokens.wrong_in_object =
            (after_comma & (literal_open | open)) | (after_listed & !colon);
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
        let mut rest = masks.control & within;
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
