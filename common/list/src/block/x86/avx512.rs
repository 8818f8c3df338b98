//! AVX-512 as Ice Lake and Zen 4 brought it: a block is one vector, and what is said of
//! its bytes is one bit each from the start.
//!
//! The first machines with AVX-512 lowered their clock for it. Those that have VBMI2 do
//! not, so it is asked for although nothing of it is used; see Lemire and others,
//! "simdjson", which draws the line there too.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for, and loads through a pointer"
)]

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epi8_mask, _mm512_loadu_si512,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8, _mm512_test_epi8_mask,
};

use super::avx2::{self, Avx2};
use crate::block::{Block, Job, Vector};

/// 64 bytes. To be used only inside [`with_avx512`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(__m512i);

/// Returns whether this machine has all that [`with_avx512`] is compiled for.
#[inline]
pub(super) fn is_here() -> bool {
    avx2::is_here()
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vbmi2")
}

/// Runs a job.
///
/// # Safety
///
/// The machine has to have these features.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn with_avx512<J: Job>(job: J) -> J::Output {
    job.run::<Avx512>()
}

impl Vector for Avx512 {
    const NAME: &'static str = "AVX-512";
    const BYTES: usize = 64;

    type Flags = u64;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        debug_assert_eq!(at, 0, "a block is one vector");
        // SAFETY: a block is 64 bytes. The machine has AVX-512, see `with_avx512`.
        unsafe { Self(_mm512_loadu_si512(block.as_ptr().cast())) }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: the machine has AVX-512, see `with_avx512`.
        unsafe {
            Self(_mm512_or_si512(
                self.0,
                _mm512_set1_epi8(byte.cast_signed()),
            ))
        }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> u64 {
        // SAFETY: the machine has AVX-512, see `with_avx512`.
        unsafe { _mm512_cmpeq_epi8_mask(self.0, _mm512_set1_epi8(byte.cast_signed())) }
    }

    #[inline(always)]
    fn odd(self) -> u64 {
        // SAFETY: the machine has AVX-512, see `with_avx512`.
        unsafe { _mm512_cmplt_epi8_mask(self.0, _mm512_set1_epi8(b' '.cast_signed())) }
    }

    #[inline(always)]
    fn high(self) -> u64 {
        // SAFETY: the machine has AVX-512, see `with_avx512`.
        unsafe { _mm512_movepi8_mask(self.0) }
    }

    #[inline(always)]
    fn bit_5(self) -> u64 {
        // SAFETY: the machine has AVX-512, see `with_avx512`.
        unsafe { _mm512_test_epi8_mask(self.0, _mm512_set1_epi8(0x20)) }
    }

    #[inline(always)]
    fn either(one: u64, other: u64) -> u64 {
        one | other
    }

    #[inline(always)]
    fn bits(flags: u64) -> u64 {
        flags
    }

    #[inline(always)]
    fn apart<J: Job>(job: J) -> J::Output {
        // SAFETY: the machine has these features, see `with_avx512`.
        unsafe { with_avx512(job) }
    }

    #[inline(always)]
    fn running_parity(bits: u64) -> u64 {
        Avx2::running_parity(bits)
    }
}
