use proptest::prelude::*;

use super::*;

/// The masks, byte by byte.
fn slowly(block: &Block) -> Masks {
    let bits = |test: &dyn Fn(u8) -> bool| {
        let bits = block.iter().zip(0..).filter(|(byte, _)| test(**byte));
        bits.fold(0, |mask, (_, bit)| mask | 1_u64 << bit)
    };
    Masks {
        quote: bits(&|byte| byte == b'"'),
        backslash: bits(&|byte| byte == b'\\'),
        open: bits(&|byte| matches!(byte, b'{' | b'[')),
        close: bits(&|byte| matches!(byte, b'}' | b']')),
        curly: bits(&|byte| byte & 0x20 != 0),
        colon: bits(&|byte| byte == b':'),
        comma: bits(&|byte| byte == b','),
        odd: bits(&|byte| byte < b' ' || !byte.is_ascii()),
        high: bits(&|byte| !byte.is_ascii()),
    }
}

fn check<V: Vector>(block: &Block) {
    assert_eq!(Masks::of::<V>(block), slowly(block));
    let spaces = block.iter().zip(0..).filter(|(byte, _)| **byte == b' ');
    let spaces = spaces.fold(0, |mask, (_, bit)| mask | 1_u64 << bit);
    assert_eq!(Masks::spaces::<V>(block), spaces);
}

struct Best<'b>(&'b Block);

impl Job for Best<'_> {
    type Output = ();

    fn run<V: Vector>(self) {
        check::<V>(self.0);
    }
}

fn check_all(block: &Block) {
    check::<swar::Swar>(block);
    #[cfg(target_arch = "x86_64")]
    check::<x86::Sse2>(block);
    with_best(Best(block));
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
