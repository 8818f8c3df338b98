//! Which brackets are arrays, where there are more than fit an integer.

/// Bits, of which the last ones are put on and taken off: a byte for eight levels, so
/// that an item of nothing but brackets does not take more than an eighth of itself.
#[derive(Debug, Default)]
pub(super) struct Deeper {
    bytes: Vec<u8>,
    bits: usize,
}

// === impl Deeper ===

impl Deeper {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bits = 0;
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn last(&self) -> bool {
        let last = self.bits.saturating_sub(1);
        let byte = self.bytes.get(last / 8).copied().unwrap_or_default();
        byte >> (last % 8) & 1 != 0
    }

    pub(super) fn push(&mut self, bit: bool) {
        let place = self.bits % 8;
        if place == 0 {
            self.bytes.push(0);
        }
        if let Some(byte) = self.bytes.last_mut() {
            *byte &= !(1 << place);
            *byte |= u8::from(bit) << place;
        }
        self.bits = self.bits.saturating_add(1);
    }

    pub(super) fn pop(&mut self) {
        self.bits = self.bits.saturating_sub(1);
        if self.bits.is_multiple_of(8) {
            self.bytes.truncate(self.bits / 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_off_as_they_went_on() {
        let mut deeper = Deeper::default();
        let bits: Vec<bool> = (0..1000)
            .map(|n: u32| n.count_ones().is_multiple_of(2))
            .collect();
        for _ in 0..2 {
            for bit in &bits {
                deeper.push(*bit);
                assert_eq!(deeper.last(), *bit);
            }
            for bit in bits.iter().rev() {
                assert_eq!(deeper.last(), *bit);
                deeper.pop();
            }
        }
        assert!(deeper.bytes.is_empty());
    }
}
