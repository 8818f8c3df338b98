//! Bytes that lie in two places because a chunk ended among them.

use std::borrow::Cow;
use std::ops::Range;

/// An object, or as much of it as has arrived: what was kept of earlier chunks, and
/// what lies in this one, so that the latter is read without being copied.
///
/// Places count from the object's first byte.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pieces<'o> {
    kept: &'o [u8],
    arrived: &'o [u8],
}

// === impl Pieces ===

impl<'o> Pieces<'o> {
    pub(crate) fn new(kept: &'o [u8], arrived: &'o [u8]) -> Self {
        Self { kept, arrived }
    }

    /// Returns what was kept of earlier chunks.
    pub(crate) fn kept(&self) -> &'o [u8] {
        self.kept
    }

    /// Returns what lies in this chunk.
    pub(crate) fn arrived(&self) -> &'o [u8] {
        self.arrived
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len().saturating_add(self.arrived.len())
    }

    /// Returns the byte at a place.
    pub(crate) fn byte(&self, place: usize) -> Option<u8> {
        let byte = match place.checked_sub(self.kept.len()) {
            Some(place) => self.arrived.get(place),
            None => self.kept.get(place),
        };
        byte.copied()
    }

    /// Eight bytes from a place on, the first one lowest, if they lie in this chunk.
    #[inline(always)]
    pub(crate) fn word(&self, place: usize) -> Option<u64> {
        let here = place.checked_sub(self.kept.len())?;
        let bytes = self.arrived.get(here..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// Returns the bytes between two places; put together if they lie in both pieces.
    #[inline(always)]
    pub(crate) fn get(&self, places: Range<usize>) -> Option<Cow<'o, [u8]>> {
        let kept = self.kept.len();
        if places.start < kept {
            return self.get_kept(places);
        }
        // The end is not before the start, or there are no such bytes.
        let places = places.start.wrapping_sub(kept)..places.end.wrapping_sub(kept);
        self.arrived.get(places).map(Cow::Borrowed)
    }

    /// The same for bytes that begin in what was kept.
    #[cold]
    #[inline(never)]
    fn get_kept(&self, places: Range<usize>) -> Option<Cow<'o, [u8]>> {
        let Some(behind) = places.end.checked_sub(self.kept.len()) else {
            return self.kept.get(places).map(Cow::Borrowed);
        };
        let kept = self.kept.get(places.start..)?;
        let arrived = self.arrived.get(..behind)?;
        Some(Cow::Owned([kept, arrived].concat()))
    }

    /// Returns all of it in one place.
    pub(crate) fn to_boxed(self) -> Box<[u8]> {
        if self.kept.is_empty() {
            return self.arrived.into();
        }
        [self.kept, self.arrived].concat().into()
    }
}

impl<'o> From<&'o [u8]> for Pieces<'o> {
    fn from(whole: &'o [u8]) -> Self {
        Self::new(&[], whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_same_wherever_the_bytes_are_cut() {
        let whole = b"0123456789";
        for cut in 0..=whole.len() {
            let (kept, arrived) = whole.split_at(cut);
            let pieces = Pieces::new(kept, arrived);
            assert_eq!(pieces.len(), whole.len());
            assert_eq!(*pieces.to_boxed(), *whole, "cut at {cut}");
            for start in 0..12 {
                assert_eq!(pieces.byte(start), whole.get(start).copied());
                for end in 0..12 {
                    let found = pieces.get(start..end);
                    let expected = whole.get(start..end);
                    assert_eq!(found.as_deref(), expected, "{start}..{end} cut at {cut}");
                }
            }
        }
    }
}
