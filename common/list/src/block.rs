//! 64 bytes at a time: where in a block the bytes stand that JSON is made of.
//!
//! All SIMD of the crate is here. An instruction set is a [`Vector`]: a handful
//! of operations on 8 to 64 bytes. Everything else of the crate works on the
//! bit masks that come out, one bit a byte, and is the same on all of them.
//!
//! | vector | where |
//! |---|---|
//! | `Avx512` | x86-64 that has it as Ice Lake and Zen 4 do, asked at run time |
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
    /// Whether [`Uncommon`] may have something to say of this block: it may also hold
    /// what is not ASCII, which takes no more to find out.
    pub(crate) has_uncommon: bool,
}

/// What most blocks have none of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uncommon {
    /// `\`
    pub(crate) backslash: u64,
    /// What is below the space.
    pub(crate) control: u64,
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
    /// What it is called in [`instruction_set`].
    const NAME: &'static str;
    /// How many bytes it holds: 8, 16, 32 or 64.
    const BYTES: usize;

    /// Yes or no for each byte.
    type Flags: Copy;

    /// The bytes of the block from `at` on; `at` is a multiple of [`Self::BYTES`].
    fn load(block: &Block, at: usize) -> Self;
    /// Each byte or'd with this one.
    fn or_byte(self, byte: u8) -> Self;
    /// Returns which bytes equal this one.
    fn equal(self, byte: u8) -> Self::Flags;
    /// Returns which bytes are below the space or not ASCII: as signed numbers they are less
    /// than 32.
    fn odd(self) -> Self::Flags;
    /// Returns which bytes are not ASCII.
    fn high(self) -> Self::Flags;
    /// Returns which bytes have bit 5 set.
    fn bit_5(self) -> Self::Flags;
    /// Returns which bytes have one of two.
    fn either(one: Self::Flags, other: Self::Flags) -> Self::Flags;
    /// One bit for each byte, in the lowest [`Self::BYTES`] bits.
    fn bits(flags: Self::Flags) -> u64;

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

/// Asks for the bytes that far behind the block's start, which may be anywhere, to be
/// brought near. Does nothing where that cannot be asked for.
#[inline(always)]
pub(crate) fn fetch(block: &Block, ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    x86::fetch(block, ahead);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (block, ahead);
}

/// Returns the bytes of the block from `at` on, which is a multiple of `N`.
#[inline(always)]
fn part<const N: usize>(block: &Block, at: usize) -> &[u8; N] {
    debug_assert!(at <= BLOCK - N, "a part lies within the block");
    let part = block.get(at..).and_then(|rest| rest.first_chunk());
    part.unwrap_or(&[0; N])
}

/// The instruction set that lists are read with on this machine, in a word or two: a
/// measurement depends on it.
pub fn instruction_set() -> &'static str {
    with_best(Name)
}

struct Name;

impl Job for Name {
    type Output = &'static str;

    fn run<V: Vector>(self) -> &'static str {
        V::NAME
    }
}

// === impl Quotes ===

impl Quotes {
    /// Looks at a block.
    #[inline(always)]
    pub(crate) fn of<V: Vector>(block: &Block) -> Self {
        let uncommon = |bytes: V| V::either(bytes.equal(b'\\'), bytes.odd());
        let mut any = uncommon(V::load(block, 0));
        let mut at = V::BYTES;
        while at < BLOCK {
            any = V::either(any, uncommon(V::load(block, at)));
            at = at.wrapping_add(V::BYTES);
        }
        Self {
            quote: mask(block, |bytes: V| bytes.equal(b'"')),
            has_uncommon: V::bits(any) != 0,
        }
    }
}

// === impl Uncommon ===

impl Uncommon {
    /// Looks at a block.
    #[inline(always)]
    pub(crate) fn of<V: Vector>(block: &Block) -> Self {
        Self {
            backslash: mask(block, |bytes: V| bytes.equal(b'\\')),
            control: mask(block, V::odd) & !mask(block, V::high),
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
            curly: mask(block, V::bit_5),
            colon: mask(block, |bytes: V| bytes.equal(b':')),
            comma: mask(block, |bytes: V| bytes.equal(b',')),
        }
    }

    /// Returns the spaces of a block, which are seldom asked for.
    #[inline(always)]
    pub(crate) fn spaces<V: Vector>(block: &Block) -> u64 {
        mask(block, |bytes: V| bytes.equal(b' '))
    }
}

/// The bytes of a block that are flagged.
#[inline(always)]
fn mask<V: Vector>(block: &Block, flags: impl Fn(V) -> V::Flags) -> u64 {
    let bits = |at: usize| V::bits(flags(V::load(block, at)));
    if V::BYTES == BLOCK {
        return bits(0);
    }
    // By halves: what has 32 bits is cheaper to put together in as many.
    let half = |from: usize| {
        let mut half: u32 = 0;
        let mut at = 0;
        while at < BLOCK / 2 {
            half |= (bits(from.wrapping_add(at)) as u32) << at;
            at = at.wrapping_add(V::BYTES);
        }
        u64::from(half)
    };
    half(0) | (half(BLOCK / 2) << (BLOCK / 2))
}

/// Returns the bits below this one; all for 64.
#[inline(always)]
pub(crate) fn below(bit: u32) -> u64 {
    1_u64
        .checked_shl(bit)
        .map_or(u64::MAX, |bit| bit.wrapping_sub(1))
}

/// Returns the place of the highest bit, of which there must be one.
#[inline(always)]
pub(crate) fn last_bit(bits: u64) -> usize {
    63_u32.wrapping_sub(bits.leading_zeros()) as usize
}

#[cfg(test)]
mod tests;
