//! What is inside a string, and whether its escapes are right.

use crate::block::Masks;

/// The state of strings between two blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Strings {
    /// All bits if the next block begins inside a string.
    inside: u64,
    /// 1 if the next block's first byte is escaped.
    escaped: u64,
    /// The `u` of an escape whose digits had not arrived.
    unread: Option<usize>,
    /// Where the `u` of a low surrogate has to be, after a high one.
    low_due: Option<usize>,
}

/// The strings of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct InBlock {
    /// From the opening quote to before the closing one.
    pub(super) inside: u64,
    /// The quotes that open or close a string.
    pub(super) quotes: u64,
    /// The bytes behind a backslash that escapes.
    pub(super) escaped: u64,
}

// === impl InBlock ===

impl InBlock {
    /// Whether the block lies in one string.
    #[inline(always)]
    pub(super) fn is_all(&self) -> bool {
        self.inside & !self.quotes == u64::MAX
    }
}

// === impl Strings ===

impl Strings {
    #[inline(always)]
    pub(super) fn read(&mut self, masks: &Masks) -> InBlock {
        let escaped = self.escapes(masks.backslash);
        let quotes = masks.quote & !escaped;
        let inside = running_parity(quotes) ^ self.inside;
        // All bits if the last one is set.
        self.inside = (inside >> 63).wrapping_neg();
        InBlock {
            inside,
            quotes,
            escaped,
        }
    }

    /// The bytes that a backslash escapes: those behind a run of an odd number
    /// of them. A run's parity comes from where an addition carries it to; see
    /// Langdale and Lemire, "Parsing gigabytes of JSON per second" (2019), 3.1.1.
    #[inline(always)]
    fn escapes(&mut self, backslash: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        if backslash == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let backslash = backslash & !self.escaped;
        let behind = (backslash << 1) | self.escaped;
        let odd_starts = backslash & !EVEN & !behind;
        let (even_runs, over) = odd_starts.overflowing_add(backslash);
        self.escaped = u64::from(over);
        (EVEN ^ (even_runs << 1)) & behind
    }

    /// Whether the escapes of a block are ones that JSON has.
    #[inline(always)]
    pub(super) fn check_escapes(
        &mut self,
        masks: &Masks,
        strings: &InBlock,
        within: u64,
        object: &[u8],
        at: usize,
    ) -> bool {
        if !self.check_unread(object) {
            return false;
        }
        // Outside of strings a backslash is refused as what it is no part of.
        let mut rest = strings.escaped & strings.inside & within & !(masks.quote | masks.backslash);
        while rest != 0 {
            let place = at.wrapping_add(rest.trailing_zeros() as usize);
            rest &= rest.wrapping_sub(1);
            let sound = match object.get(place) {
                Some(b'u') => self.unicode(object, place),
                Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.low_due != Some(place),
                _ => false,
            };
            if !sound {
                return false;
            }
        }
        true
    }

    /// Whether nothing is missing at the object's end.
    pub(super) fn check_end(&mut self, object: &[u8]) -> bool {
        self.check_unread(object) && self.unread.is_none() && self.low_due.is_none()
    }

    fn check_unread(&mut self, object: &[u8]) -> bool {
        match self.unread.take() {
            Some(place) => self.unicode(object, place),
            None => true,
        }
    }

    /// Reads `\uXXXX`, whose `u` is at this place (RFC 8259, 7).
    fn unicode(&mut self, object: &[u8], place: usize) -> bool {
        const TO_NEXT: usize = 6;
        let digits = place.wrapping_add(1);
        let Some(digits) = object.get(digits..digits.wrapping_add(4)) else {
            return self.unread.replace(place).is_none();
        };
        let Some(unit) = hexadecimal(digits) else {
            return false;
        };
        match (unit, self.low_due.take()) {
            (0xdc00..=0xdfff, due) => due == Some(place),
            (_, Some(_)) => false,
            (0xd800..=0xdbff, None) => {
                self.low_due = Some(place.wrapping_add(TO_NEXT));
                true
            }
            (_, None) => true,
        }
    }
}

/// For each bit, the parity of the bits up to it.
#[inline(always)]
fn running_parity(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |unit: u32, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | digit)
    })
}
