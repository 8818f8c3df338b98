//! Numbers, `true`, `false` and `null`.

use crate::block::below;
use crate::pieces::Pieces;

/// The number or literal that is not over with a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Literals {
    /// Where it begins.
    open: Option<usize>,
}

const BLOCK_BITS: u32 = 64;

// === impl Literals ===

impl Literals {
    /// Checks the numbers and literals that end in a block, which begins at this
    /// place.
    #[inline(always)]
    pub(super) fn check(&mut self, literals: u64, object: &Pieces<'_>, at: usize) -> bool {
        let mut rest = literals;
        if let Some(start) = self.open {
            let more = rest.trailing_ones();
            if more == BLOCK_BITS {
                return true;
            }
            self.open = None;
            let end = at.wrapping_add(more as usize);
            if !is_valid_at(object, start, end) {
                return false;
            }
            rest &= !below(more);
        }
        while rest != 0 {
            let start = rest.trailing_zeros();
            let len = (rest >> start).trailing_ones();
            let from = at.wrapping_add(start as usize);
            let end = start.wrapping_add(len);
            if end == BLOCK_BITS {
                self.open = Some(from);
                return true;
            }
            rest &= u64::MAX.wrapping_shl(end);
            let is_common = object.word(from).is_some_and(|word| is_common(word, len));
            if !is_common && !is_valid_at(object, from, at.wrapping_add(end as usize)) {
                return false;
            }
        }
        true
    }
}

/// Returns whether a text of this length, the first of these eight bytes, is `true`, `false`,
/// `null` or a number of digits alone. All is tried, as which it is cannot be foreseen.
#[inline(always)]
fn is_common(word: u64, len: u32) -> bool {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const HIGH_HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const TO_TEN: u64 = 0x0606_0606_0606_0606;
    let within = below(len.wrapping_mul(8));
    let text = word & within;
    let is_word = (text == u64::from_le_bytes(*b"true\0\0\0\0"))
        | (text == u64::from_le_bytes(*b"false\0\0\0"))
        | (text == u64::from_le_bytes(*b"null\0\0\0\0"));
    // The digits are those bytes that begin with 3, and do so with 6 more.
    let digits = text | (ZEROS & !within);
    let are_digits = ((digits ^ ZEROS) | (digits.wrapping_add(TO_TEN) ^ ZEROS)) & HIGH_HALVES == 0;
    let leads_with_zero = (text & 0xff == u64::from(b'0')) & (len > 1);
    (len.wrapping_sub(1) < 8) & (is_word | (are_digits & !leads_with_zero))
}

#[cold]
#[inline(never)]
fn is_valid_at(object: &Pieces<'_>, from: usize, to: usize) -> bool {
    object.get(from..to).is_some_and(|text| is_valid(&text))
}

/// Returns whether a text that stands for itself is one that JSON has (RFC 8259, 3 and 6).
fn is_valid(text: &[u8]) -> bool {
    match text {
        b"true" | b"false" | b"null" => true,
        [b'-', number @ ..] | number => is_number(number),
    }
}

/// A number without its sign.
fn is_number(text: &[u8]) -> bool {
    let (whole, rest) = digits(text);
    let whole_is_good = !matches!(whole, [] | [b'0', _, ..]);
    let fraction = match rest {
        [b'.', fraction @ ..] => match digits(fraction) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        rest => rest,
    };
    let exponent_is_good = match fraction {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            matches!(digits(exponent), ([_, ..], []))
        }
        _ => false,
    };
    whole_is_good && exponent_is_good
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_takes_is_valid_and_nothing_else() {
        let long = "9".repeat(299);
        let longer = "9".repeat(400);
        let texts = [
            "true",
            "false",
            "null",
            "0",
            "-0",
            "7",
            "10",
            "-1234567890",
            "0.5",
            "1.50",
            "1e5",
            "1E+5",
            "1e-5",
            "-0.0e0",
            "1e308",
            "1e-999",
            &long,
            "",
            "-",
            "+1",
            "01",
            "-01",
            "00",
            "1.",
            ".5",
            "1.e5",
            "1e",
            "1e+",
            "1e5.",
            "1.2.3",
            "--1",
            "1-",
            "0x1",
            "1e999",
            "-1e999",
            &longer,
            "tru",
            "truee",
            "True",
            "nul",
            "NaN",
            "Infinity",
            "-Infinity",
            "1a",
            "1\\",
            "\u{e9}",
            "1\u{a0}",
            "'a'",
            "-true",
        ];
        for text in texts {
            let judge = crate::strict::check(text.as_bytes());
            assert_eq!(is_valid(text.as_bytes()), judge.is_ok(), "{text}");
            if let Some(word) = Pieces::from(format!("{text},1234567").as_bytes()).word(0) {
                let is_common = is_common(word, u32::try_from(text.len()).unwrap());
                assert!(judge.is_ok() || !is_common, "{text}");
            }
        }
    }
}
