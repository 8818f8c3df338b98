use proptest::prelude::*;

use super::*;

fn bits(block: &Block, test: impl Fn(u8) -> bool) -> u64 {
    let bits = block.iter().zip(0..).filter(|(byte, _)| test(**byte));
    bits.fold(0, |mask, (_, bit)| mask | 1_u64 << bit)
}

/// The masks are what they are byte by byte.
fn check<V: Vector>(block: &Block) {
    let bits = |test: fn(u8) -> bool| bits(block, test);
    let uncommon = Uncommon {
        backslash: bits(|byte| byte == b'\\'),
        control: bits(|byte| byte < b' '),
    };
    assert_eq!(Uncommon::of::<V>(block), uncommon);
    let quotes = Quotes {
        quote: bits(|byte| byte == b'"'),
        has_uncommon: uncommon != Uncommon::default() || !block.is_ascii(),
    };
    assert_eq!(Quotes::of::<V>(block), quotes);
    let masks = Masks {
        open: bits(|byte| matches!(byte, b'{' | b'[')),
        close: bits(|byte| matches!(byte, b'}' | b']')),
        curly: bits(|byte| byte & 0x20 != 0),
        colon: bits(|byte| byte == b':'),
        comma: bits(|byte| byte == b','),
    };
    assert_eq!(Masks::of::<V>(block), masks);
    assert_eq!(Masks::spaces::<V>(block), bits(|byte| byte == b' '));

    let mut parity = false;
    for (bit, running) in (0..64).map(|bit| (bit, V::running_parity(quotes.quote) >> bit & 1)) {
        parity ^= quotes.quote >> bit & 1 != 0;
        assert_eq!(running, u64::from(parity));
    }
}

#[derive(Clone, Copy)]
struct Check<'b>(&'b Block);

impl Job for Check<'_> {
    type Output = ();

    fn run<V: Vector>(self) {
        check::<V>(self.0);
    }
}

fn check_all(block: &Block) {
    check::<swar::Swar>(block);
    #[cfg(target_arch = "x86_64")]
    x86::with_each(Check(block));
    #[cfg(not(target_arch = "x86_64"))]
    with_best(Check(block));
}

#[test]
fn every_byte_is_known_at_every_place() {
    for byte in 0..=u8::MAX {
        for at in 0..BLOCK {
            let mut block = [b'x'; BLOCK];
            block[at] = byte;
            check_all(&block);
        }
        check_all(&[byte; BLOCK]);
    }
}

proptest! {
    #[test]
    fn all_instruction_sets_see_the_same(bytes in proptest::collection::vec(any::<u8>(), BLOCK)) {
        let block: Block = bytes.try_into().unwrap();
        check_all(&block);
    }
}
