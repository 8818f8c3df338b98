//! WebAssembly's 128-bit vectors.

#![expect(unsafe_code, reason = "loads through a pointer")]

use std::arch::wasm32::{
    i8x16_lt, i8x16_splat, u8x16_bitmask, u8x16_eq, u8x16_splat, u16x8_shl, v128, v128_load,
    v128_or,
};

use super::{Block, Vector, part};

/// 16 bytes; as flags, the top bit of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simd128(v128);

impl Vector for Simd128 {
    const NAME: &'static str = "simd128";
    const BYTES: usize = 16;

    type Flags = Self;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        let part: &[u8; 16] = part(block, at);
        // SAFETY: that many bytes are read. A load need not be aligned.
        unsafe { Self(v128_load(part.as_ptr().cast())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        Self(u8x16_eq(self.0, u8x16_splat(byte)))
    }

    #[inline(always)]
    fn odd(self) -> Self {
        Self(i8x16_lt(self.0, i8x16_splat(0x20)))
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        Self(v128_or(self.0, u8x16_splat(byte)))
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        Self(v128_or(one.0, other.0))
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        // Shifted in pairs, bit 5 of a byte still stays in it.
        Self(u16x8_shl(self.0, 2))
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        u64::from(u8x16_bitmask(flags.0))
    }
}
