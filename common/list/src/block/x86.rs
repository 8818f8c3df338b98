//! What an x86-64 has is asked at run time.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set that was asked for"
)]

mod avx2;
mod avx512;
mod sse2;

use self::sse2::Sse2;
use super::Job;

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
