//! SSE2, which every x86-64 has, and AVX2 with what came before it, which most have.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for, and loads through a pointer"
)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_clmulepi64_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cvtsi64_si128,
    _mm_cvtsi128_si64, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_slli_epi16, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_slli_epi16,
};

use super::{Block, Job, Vector};

/// 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sse2(__m128i);

/// 32 bytes. To be used only inside [`with_avx2`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(__m256i);

/// Runs a job with AVX2 if this machine has it.
#[inline]
pub(super) fn with_best<J: Job>(job: J) -> J::Output {
    if std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
        && std::arch::is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the machine has just said that it has these features.
        unsafe { with_avx2(job) }
    } else {
        job.run::<Sse2>()
    }
}

#[inline(never)]
#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

/// `byte` with its bits as the intrinsics want it.
#[inline(always)]
fn signed(byte: u8) -> i8 {
    i8::from_ne_bytes([byte])
}

impl Vector for Sse2 {
    const BYTES: usize = 16;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        debug_assert!(at <= block.len() - Self::BYTES);
        let at = at & (block.len() - Self::BYTES);
        // SAFETY: 16 bytes from `at` lie within the block: the mask keeps `at` at
        // 48 or less. SSE2 is part of x86-64.
        unsafe { Self(_mm_loadu_si128(block.as_ptr().add(at).cast())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_cmpeq_epi8(self.0, _mm_set1_epi8(signed(byte)))) }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_cmpgt_epi8(_mm_set1_epi8(signed(b' ')), self.0)) }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_or_si128(self.0, _mm_set1_epi8(signed(byte)))) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { Self(_mm_or_si128(self.0, other.0)) }
    }

    #[inline(always)]
    fn bit_5_to_top(self) -> Self {
        // SAFETY: SSE2 is part of x86-64. Bit 5 of a byte is not moved out of it.
        unsafe { Self(_mm_slli_epi16::<2>(self.0)) }
    }

    #[inline(always)]
    fn tops(self) -> u32 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { _mm_movemask_epi8(self.0) }.cast_unsigned()
    }
}

impl Vector for Avx2 {
    const BYTES: usize = 32;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        debug_assert!(at <= block.len() - Self::BYTES);
        let at = at & (block.len() - Self::BYTES);
        // SAFETY: 32 bytes from `at` lie within the block: the mask keeps `at` at
        // 32 or less. The machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_loadu_si256(block.as_ptr().add(at).cast())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_cmpeq_epi8(self.0, _mm256_set1_epi8(signed(byte)))) }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_cmpgt_epi8(_mm256_set1_epi8(signed(b' ')), self.0)) }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_or_si256(self.0, _mm256_set1_epi8(signed(byte)))) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_or_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn bit_5_to_top(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_slli_epi16::<2>(self.0)) }
    }

    #[inline(always)]
    fn tops(self) -> u32 {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { _mm256_movemask_epi8(self.0) }.cast_unsigned()
    }

    #[inline(always)]
    fn apart<J: Job>(job: J) -> J::Output {
        // SAFETY: the machine has these features, see `with_best`.
        unsafe { with_avx2(job) }
    }

    #[inline(always)]
    fn running_parity(bits: u64) -> u64 {
        // A product without carries: each bit of it is the parity of the bits up to
        // there, as the other factor is all ones.
        // SAFETY: the machine has PCLMULQDQ, see `with_best`.
        let product = unsafe {
            let bits = _mm_cvtsi64_si128(bits.cast_signed());
            _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1)))
        };
        product.cast_unsigned()
    }
}
