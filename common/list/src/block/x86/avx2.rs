//! AVX2 with what came before it, which most machines have.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for, and loads through a pointer"
)]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_slli_epi16,
};

use crate::block::{Block, Job, Vector, part};

/// 32 bytes; as flags, the top bit of each. To be used only inside [`with_avx2`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(__m256i);

/// Returns whether this machine has all that [`with_avx2`] is compiled for.
#[inline]
pub(super) fn is_here() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("pclmulqdq")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("lzcnt")
        && std::arch::is_x86_feature_detected!("popcnt")
}

/// Runs a job.
///
/// # Safety
///
/// The machine has to have these features.
#[inline(never)]
#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

impl Vector for Avx2 {
    const NAME: &'static str = "AVX2";
    const BYTES: usize = 32;

    type Flags = Self;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        let part: &[u8; 32] = part(block, at);
        // SAFETY: that many bytes are read. The machine has AVX2, see `with_avx2`.
        unsafe { Self(_mm256_loadu_si256(part.as_ptr().cast())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe {
            Self(_mm256_cmpeq_epi8(
                self.0,
                _mm256_set1_epi8(byte.cast_signed()),
            ))
        }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe {
            Self(_mm256_cmpgt_epi8(
                _mm256_set1_epi8(b' '.cast_signed()),
                self.0,
            ))
        }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe {
            Self(_mm256_or_si256(
                self.0,
                _mm256_set1_epi8(byte.cast_signed()),
            ))
        }
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe { Self(_mm256_or_si256(one.0, other.0)) }
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe { Self(_mm256_slli_epi16::<2>(self.0)) }
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        // SAFETY: the machine has AVX2, see `with_avx2`.
        unsafe { _mm256_movemask_epi8(flags.0) }
            .cast_unsigned()
            .into()
    }

    #[inline(always)]
    fn apart<J: Job>(job: J) -> J::Output {
        // SAFETY: the machine has these features, see `with_avx2`.
        unsafe { with_avx2(job) }
    }

    #[inline(always)]
    fn running_parity(bits: u64) -> u64 {
        // A product without carries: each bit of it is the parity of the bits up to
        // there, as the other factor is all ones.
        // SAFETY: the machine has PCLMULQDQ, see `with_avx2`.
        let product = unsafe {
            let bits = _mm_cvtsi64_si128(bits.cast_signed());
            _mm_cvtsi128_si64(_mm_clmulepi64_si128::<0>(bits, _mm_set1_epi8(-1)))
        };
        product.cast_unsigned()
    }
}
