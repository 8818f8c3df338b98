//! Eight bytes in an integer, for machines without SIMD that we know.

use super::{Block, Vector, part};

/// Eight bytes, the first one lowest; as flags, the top bit of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Swar(u64);

const LOW: u64 = 0x0101_0101_0101_0101;
const SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const TOP: u64 = 0x8080_8080_8080_8080;

fn splat(byte: u8) -> u64 {
    LOW.wrapping_mul(u64::from(byte))
}

impl Vector for Swar {
    const NAME: &'static str = "no SIMD";
    const BYTES: usize = 8;

    type Flags = Self;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        Self(u64::from_le_bytes(*part(block, at)))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        let difference = self.0 ^ splat(byte);
        // The top bit of each byte that is not zero.
        let other = ((difference & SEVEN).wrapping_add(SEVEN)) | difference;
        Self(!other & TOP)
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // Adding 128 - 32 sets the top bit of what is not below the space.
        let added = (self.0 & SEVEN).wrapping_add(splat(0x60));
        Self((!added | self.0) & TOP)
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        Self(self.0 | splat(byte))
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        Self(one.0 | other.0)
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        Self(self.0 << 2)
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        // The product moves each of the eight bits to its place in the top byte.
        ((flags.0 & TOP) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}
