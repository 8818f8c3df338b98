//! NEON, which every aarch64 has.

#![expect(
    unsafe_code,
    reason = "calls into an instruction set, and loads through a pointer"
)]

use std::arch::aarch64::{
    uint8x16_t, vaddv_u8, vandq_u8, vceqq_u8, vcltq_s8, vdupq_n_s8, vdupq_n_u8, vget_high_u8,
    vget_low_u8, vld1q_u8, vorrq_u8, vreinterpretq_s8_u8, vreinterpretq_u8_s8, vshlq_n_u8,
    vshrq_n_s8,
};

use super::{Block, Vector, part};

/// 16 bytes; as flags, the top bit of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(uint8x16_t);

impl Vector for Neon {
    const NAME: &'static str = "NEON";
    const BYTES: usize = 16;

    type Flags = Self;

    #[inline(always)]
    fn load(block: &Block, at: usize) -> Self {
        let part: &[u8; 16] = part(block, at);
        // SAFETY: that many bytes are read. NEON is part of aarch64.
        unsafe { Self(vld1q_u8(part.as_ptr())) }
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Self(vceqq_u8(self.0, vdupq_n_u8(byte))) }
    }

    #[inline(always)]
    fn odd(self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Self(vcltq_s8(vreinterpretq_s8_u8(self.0), vdupq_n_s8(0x20))) }
    }

    #[inline(always)]
    fn or_byte(self, byte: u8) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Self(vorrq_u8(self.0, vdupq_n_u8(byte))) }
    }

    #[inline(always)]
    fn either(one: Self, other: Self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Self(vorrq_u8(one.0, other.0)) }
    }

    #[inline(always)]
    fn high(self) -> Self {
        self
    }

    #[inline(always)]
    fn bit_5(self) -> Self {
        // SAFETY: NEON is part of aarch64.
        unsafe { Self(vshlq_n_u8::<2>(self.0)) }
    }

    #[inline(always)]
    fn bits(flags: Self) -> u64 {
        /// One bit for each of eight bytes.
        const PLACES: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: NEON is part of aarch64; `PLACES` has the 16 bytes that are read.
        unsafe {
            let spread = vreinterpretq_u8_s8(vshrq_n_s8::<7>(vreinterpretq_s8_u8(flags.0)));
            let placed = vandq_u8(spread, vld1q_u8(PLACES.as_ptr()));
            let low = u64::from(vaddv_u8(vget_low_u8(placed)));
            let high = u64::from(vaddv_u8(vget_high_u8(placed)));
            low | (high << 8)
        }
    }
}
