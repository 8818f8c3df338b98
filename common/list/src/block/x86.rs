//! What an x86-64 has is asked at run time.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for, and a hint"
)]

mod avx2;
mod avx512;
mod sse2;

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use self::sse2::Sse2;
use super::{Block, Job};

/// Runs a job with the best of what this machine has.
#[inline]
pub(super) fn with_best<J: Job>(job: J) -> J::Output {
    if avx512::is_here() {
        // SAFETY: the machine has just said that it has these features.
        return unsafe { avx512::with_avx512(job) };
    }
    if avx2::is_here() {
        // SAFETY: the machine has just said that it has these features.
        return unsafe { avx2::with_avx2(job) };
    }
    job.run::<Sse2>()
}

/// Runs a job with all that this machine has.
#[cfg(test)]
pub(super) fn with_each<J: Job<Output = ()> + Copy>(job: J) {
    job.run::<Sse2>();
    if avx2::is_here() {
        // SAFETY: the machine has just said that it has these features.
        unsafe { avx2::with_avx2(job) }
    }
    with_best(job);
}

/// See [`super::fetch`].
#[inline(always)]
pub(super) fn fetch(block: &Block, ahead: usize) {
    let there = block.as_ptr().wrapping_add(ahead);
    // SAFETY: it is a hint, which may name any address. SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(there.cast()) }
}
