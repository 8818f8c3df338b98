//! 64 bytes at a time: where in a block the bytes stand that JSON is made of.
//!
//! All SIMD of the crate is here. An instruction set is a [`Vector`]: a handful
//! of operations on 8, 16 or 32 bytes. Everything else of the crate works on the
//! bit masks that come out, one bit a byte, and is the same on all of them.
//!
//! | vector | where |
//! |---|---|
//! | `Avx2` | x86-64 that has it and the carry-less product, asked at run time |
//! | `Sse2` | every x86-64 |
//! | `Neon` | aarch64 |
//! | `Simd128` | wasm built with `+simd128`, as the filter is |
//! | `Swar` | everywhere else: eight bytes in an integer |

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod swar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// The bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// A block of the input.
pub(crate) type Block = [u8; BLOCK];

/// Where the quotes of a block are. Bit n stands for byte n, here and in all masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quotes {
    /// `"`
    pub(crate) quote: u64,
    /// Whether [`Uncommon`] has something to say of this block.
    pub(crate) has_uncommon: bool,
}

/// What most blocks have none of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uncommon {
    /// `\`
    pub(crate) backslash: u64,
    /// What is below the space.
    pub(crate) control: u64,
    /// What is not ASCII.
    pub(crate) high: u64,
}

/// Where brackets and separators are, in strings too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    /// `{` and `[`
    pub(crate) open: u64,
    /// `}` and `]`
    pub(crate) close: u64,
    /// Tells the brackets apart: set for `{` and `}`, not for `[` and `]`. Says
    /// nothing about other bytes.
    pub(crate) curly: u64,
    /// `:`
    pub(crate) colon: u64,
    /// `,`
    pub(crate) comma: u64,
}

/// The operations of an instruction set, on some bytes of a block.
pub(crate) trait Vector: Copy {
    /// How many bytes it holds: 8, 16 or 32.
    const BYTES: usize;

    /// The bytes of the block from `at` on; `at` is a multiple of [`Self::BYTES`].
    fn load(block: &Block, at: usize) -> Self;
    /// All bits of each byte that equals this one; the top bit at least.
    fn equal(self, byte: u8) -> Self;
    /// The top bit of each byte that is below the space or not ASCII: as a signed
    /// number it is less than 32.
    fn odd(self) -> Self;
    /// Each byte or'd with this one.
    fn or_byte(self, byte: u8) -> Self;
    /// The bits that are set in one of two.
    fn or(self, other: Self) -> Self;
    /// Bit 5 of each byte moved to bit 7; the other bits are of no use.
    fn bit_5_to_top(self) -> Self;
    /// Bit 7 of each byte, in the lowest [`Self::BYTES`] bits.
    fn tops(self) -> u32;

    /// Runs a job in a function of its own, so that it takes no registers from a
    /// loop that seldom comes to it.
    #[inline(never)]
    fn apart<J: Job>(job: J) -> J::Output {
        job.run::<Self>()
    }

    /// For each bit, the parity of the bits up to it.
    #[inline(always)]
    fn running_parity(mut bits: u64) -> u64 {
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        bits ^ (bits << 32)
    }
}

/// Work that is to run with the best instruction set of this machine.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does the work. It has to be inlined with all that it calls in its inner
    /// loop, so that the loop is compiled for the instruction set.
    fn run<V: Vector>(self) -> Self::Output;
}

/// Runs a job with the best instruction set of this machine.
#[inline]
pub(crate) fn with_best<J: Job>(job: J) -> J::Output {
    #[cfg(target_arch = "x86_64")]
    return x86::with_best(job);
    #[cfg(target_arch = "aarch64")]
    return job.run::<neon::Neon>();
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return job.run::<wasm::Simd128>();
    #[cfg(not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    )))]
    return job.run::<swar::Swar>();
}

// === impl Quotes ===

impl Quotes {
    /// Looks at a block.
    #[inline(always)]
    pub(crate) fn of<V: Vector>(block: &Block) -> Self {
        let uncommon = |bytes: V| bytes.equal(b'\\').or(bytes.odd());
        let mut any = uncommon(V::load(block, 0));
        let mut at = V::BYTES;
        while at < BLOCK {
            any = any.or(uncommon(V::load(block, at)));
            at = at.wrapping_add(V::BYTES);
        }
        Self {
            quote: mask(block, |bytes: V| bytes.equal(b'"')),
            has_uncommon: any.tops() != 0,
        }
    }
}

// === impl Uncommon ===

impl Uncommon {
    /// Looks at a block.
    #[inline(always)]
    pub(crate) fn of<V: Vector>(block: &Block) -> Self {
        let high = mask(block, |bytes: V| bytes);
        Self {
            backslash: mask(block, |bytes: V| bytes.equal(b'\\')),
            control: mask(block, V::odd) & !high,
            high,
        }
    }
}

// === impl Masks ===

impl Masks {
    /// Looks at a block.
    #[inline(always)]
    pub(crate) fn of<V: Vector>(block: &Block) -> Self {
        /// `[` and `{` differ in this bit alone, and so do `]` and `}`.
        const CURLY_BIT: u8 = 0x20;
        Self {
            open: mask(block, |bytes: V| bytes.or_byte(CURLY_BIT).equal(b'{')),
            close: mask(block, |bytes: V| bytes.or_byte(CURLY_BIT).equal(b'}')),
            curly: mask(block, V::bit_5_to_top),
            colon: mask(block, |bytes: V| bytes.equal(b':')),
            comma: mask(block, |bytes: V| bytes.equal(b',')),
        }
    }

    /// The spaces of a block, which are seldom asked for.
    #[inline(always)]
    pub(crate) fn spaces<V: Vector>(block: &Block) -> u64 {
        mask(block, |bytes: V| bytes.equal(b' '))
    }
}

/// The bytes of a block whose top bit is set after this.
#[inline(always)]
fn mask<V: Vector>(block: &Block, map: impl Fn(V) -> V) -> u64 {
    // By halves: what has 32 bits is cheaper to put together in as many.
    let half = |from: usize| {
        let mut bits: u32 = 0;
        let mut at = 0;
        while at < BLOCK / 2 {
            bits |= map(V::load(block, from.wrapping_add(at))).tops() << at;
            at = at.wrapping_add(V::BYTES);
        }
        u64::from(bits)
    };
    half(0) | (half(BLOCK / 2) << (BLOCK / 2))
}

/// The bits below this one; all for 64.
#[inline(always)]
pub(crate) fn below(bit: u32) -> u64 {
    1_u64
        .checked_shl(bit)
        .map_or(u64::MAX, |bit| bit.wrapping_sub(1))
}

/// The place of the highest bit, of which there must be one.
#[inline(always)]
pub(crate) fn last_bit(bits: u64) -> usize {
    63_u32.wrapping_sub(bits.leading_zeros()) as usize
}

#[cfg(test)]
mod tests;
