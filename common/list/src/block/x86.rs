//! What the machine has, and the sets that most have: SSE2, which is part of x86-64, and
//! AVX2 with what came before it.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for, and loads through a pointer"
)]

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_clmulepi64_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8,
    _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
    _mm_prefetch, _mm_set1_epi8, _mm_slli_epi16, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_slli_epi16,
};

use super::{Block, Job, Vector, avx512};

/// 16 bytes; as flags, the top bit of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sse2(__m128i);

/// 32 bytes; as flags, the top bit of each. To be used only inside [`with_avx2`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(__m256i);

/// Runs a job with the best of what this machine has.
#[inline]
pub(super) fn with_best<J: Job>(job: J) -> J::Output {
    if !has_avx2() {
        return job.run::<Sse2>();
    }
    if avx512::is_here() {
        // SAFETY: the machine has just said that it has these features.
        return unsafe { avx512::with_avx512(job) };
    }
    // SAFETY: the machine has just said that it has these features.
    unsafe { with_avx2(job) }
}

/// Runs a job with all that this machine has.
#[cfg(test)]
pub(super) fn with_each<J: Job<Output = ()> + Copy>(job: J) {
    job.run::<Sse2>();
    if has_avx2() {
        // SAFETY: the machine has just said that it has these features.
        unsafe { with_avx2(job) }
    }
    with_best(job);
}

/// Whether this machine has AVX2, and what came before it.
#[inline]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
        && std::arch::is_x86_feature_detected!("popcnt")
}

#[inline(never)]
#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

impl Vector for Sse2 {
    const NAME: &'static str = "SSE2";
    const BYTES: usize = 16;

    type Flags = Self;

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

    #[inline(always)]
    fn fetch(block: &Block, ahead: usize) {
        fetch(block, ahead);
    }
}

impl Vector for Avx2 {
    const NAME: &'static str = "AVX2";
    const BYTES: usize = 32;

    type Flags = Self;

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
        unsafe {
            Self(_mm256_cmpeq_epi8(
                self.0,
                _mm256_set1_epi8(byte.cast_signed()),
            ))
        }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe {
            Self(_mm256_cmpgt_epi8(
                _mm256_set1_epi8(b' '.cast_signed()),
                self.0,
            ))
        }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe {
            Self(_mm256_or_si256(
                self.0,
                _mm256_set1_epi8(byte.cast_signed()),
            ))
        }
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_or_si256(one.0, other.0)) }
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { Self(_mm256_slli_epi16::<2>(self.0)) }
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        // SAFETY: the machine has AVX2, see `with_best`.
        unsafe { _mm256_movemask_epi8(flags.0) }
            .cast_unsigned()
            .into()
    }

    #[inline(always)]
    fn fetch(block: &Block, ahead: usize) {
        fetch(block, ahead);
    }

    #[inline(always)]
    fn apart<J: Job>(job: J) -> J::Output {
        // SAFETY: the machine has these features, see `with_best`.
        unsafe { with_avx2(job) }
    }

    #[inline(always)]
    fn running_parity(bits: u64) -> u64 {
        running_parity(bits)
    }
}

/// [`Vector::fetch`] for every x86-64.
#[inline(always)]
pub(super) fn fetch(block: &Block, ahead: usize) {
    let there = block.as_ptr().wrapping_add(ahead);
    // SAFETY: it is a hint, which may name any address. SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(there.cast()) }
}

/// [`Vector::running_parity`] for machines that [`has_avx2`] speaks of.
#[inline(always)]
pub(super) fn running_parity(bits: u64) -> u64 {
    // A product without carries: each bit of it is the parity of the bits up to
    // there, as the other factor is all ones.
    // SAFETY: the machine has PCLMULQDQ, see `with_best`.
    let product = unsafe {
        let bits = _mm_cvtsi64_si128(bits.cast_signed());
        _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1)))
    };
    product.cast_unsigned()
}
