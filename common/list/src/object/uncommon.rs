//! What is looked at byte by byte: escapes and control characters.

use super::strings::InBlock;
use crate::block::Uncommon;
use crate::pieces::Pieces;

/// What has to be looked at, and what is still to come of what was.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// Whether a block holds something of this kind.
    due: bool,
    /// Its escapes other than of a quote or a backslash, by what stands behind
    /// the backslash.
    escapes: u64,
    /// Its control characters, and which bytes are in a string.
    control: u64,
    inside: u64,
    /// Where the last block with a backslash begins.
    backslash_at: Option<usize>,
    /// The `u` of an escape whose digits had not arrived.
    unread: Option<usize>,
}

// === impl Checks ===

impl Checks {
    /// Keeps in mind what is to be checked of a block.
    #[inline(always)]
    pub(super) fn note(&mut self, uncommon: &Uncommon, escapes: u64, strings: &InBlock, at: usize) {
        if uncommon.backslash != 0 {
            self.backslash_at = Some(at);
        }
        // Outside of strings a backslash is refused as what it is no part of.
        self.escapes = escapes & strings.inside & !uncommon.backslash;
        self.control = uncommon.control;
        self.inside = strings.inside;
        self.due = (self.escapes | self.control) != 0;
    }

    /// Returns whether something was noted of this block.
    #[inline(always)]
    pub(super) fn are_due(&self) -> bool {
        self.due
    }

    /// Returns whether there is a backslash in the block that begins here.
    pub(super) fn has_backslash(&self, at: usize) -> bool {
        self.backslash_at == Some(at)
    }

    /// Returns the control characters of this block.
    #[inline(always)]
    pub(super) fn control(&self) -> u64 {
        if self.due { self.control } else { 0 }
    }

    /// Checks what was noted of a block that begins at this place, within some of
    /// its bytes.
    #[cold]
    #[inline(never)]
    pub(super) fn make(&mut self, within: u64, object: &Pieces<'_>, at: usize) -> bool {
        self.due = false;
        self.only_white_space(within, object, at) && self.check_escapes(within, object, at)
    }

    /// Returns whether nothing is missing at the object's end.
    pub(super) fn check_end(&mut self, object: &Pieces<'_>) -> bool {
        self.check_unread(object) && self.unread.is_none()
    }

    /// Returns whether the control characters of a block are white space between tokens.
    fn only_white_space(&self, within: u64, object: &Pieces<'_>, at: usize) -> bool {
        let mut rest = self.control & within;
        if rest & self.inside != 0 {
            return false;
        }
        while rest != 0 {
            let place = at.wrapping_add(rest.trailing_zeros() as usize);
            if !matches!(object.byte(place), Some(b'\t' | b'\n' | b'\r')) {
                return false;
            }
            rest &= rest.wrapping_sub(1);
        }
        true
    }

    /// Returns whether the escapes of a block are ones that JSON has.
    fn check_escapes(&mut self, within: u64, object: &Pieces<'_>, at: usize) -> bool {
        if !self.check_unread(object) {
            return false;
        }
        let mut rest = self.escapes & within;
        while rest != 0 {
            let place = at.wrapping_add(rest.trailing_zeros() as usize);
            rest &= rest.wrapping_sub(1);
            let sound = match object.byte(place) {
                Some(b'u') => self.unicode(object, place),
                Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                _ => false,
            };
            if !sound {
                return false;
            }
        }
        true
    }

    fn check_unread(&mut self, object: &Pieces<'_>) -> bool {
        match self.unread.take() {
            Some(place) => self.unicode(object, place),
            None => true,
        }
    }

    /// Reads `\uXXXX`, whose `u` is at this place (RFC 8259, 7). Half of a surrogate pair
    /// has the grammar of JSON.
    fn unicode(&mut self, object: &Pieces<'_>, place: usize) -> bool {
        let digits = place.wrapping_add(1);
        match object.get(digits..digits.wrapping_add(4)) {
            Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
            None => self.unread.replace(place).is_none(),
        }
    }
}
