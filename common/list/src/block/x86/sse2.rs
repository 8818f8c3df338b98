//! SSE2, which is part of x86-64.

#![expect(unsafe_code, reason = "loads through a pointer")]

use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
    _mm_set1_epi8, _mm_slli_epi16,
};

use crate::block::{Block, Vector, part};

/// 16 bytes; as flags, the top bit of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sse2(__m128i);

impl Vector for Sse2 {
    const NAME: &'static str = "SSE2";
    const BYTES: usize = 16;

    type Flags = Self;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        let part: &[u8; 16] = part(block, at);
        // SAFETY: that many bytes are read. SSE2 is part of x86-64.
        unsafe { Self(_mm_loadu_si128(part.as_ptr().cast())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_cmpeq_epi8(self.0, _mm_set1_epi8(byte.cast_signed()))) }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_cmpgt_epi8(_mm_set1_epi8(b' '.cast_signed()), self.0)) }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_or_si128(self.0, _mm_set1_epi8(byte.cast_signed()))) }
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_or_si128(one.0, other.0)) }
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        // SAFETY: SSE2 is part of x86-64. Bit 5 of a byte is not moved out of it.
        unsafe { Self(_mm_slli_epi16::<2>(self.0)) }
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_movemask_epi8(flags.0) }.cast_unsigned().into()
    }
}
