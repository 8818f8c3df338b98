//! Numbers, `true`, `false` and `null`.

use crate::block::below;
use crate::strict;

/// The number or literal that is not over with a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Literals {
    /// Where it begins.
    open: Option<usize>,
}

const BLOCK_BITS: u32 = 64;

/// Integers of fewer digits are looked at at once.
const SHORT: usize = 16;

/// Longer numbers may be beyond a double, and so may those with an exponent.
const SAFE_LEN: usize = 300;

// === impl Literals ===

impl Literals {
    /// Checks the numbers and literals that end in a block, which begins at this
    /// place.
    #[inline(always)]
    pub(super) fn check(&mut self, literals: u64, object: &[u8], at: usize) -> bool {
        let mut rest = literals;
        if let Some(start) = self.open {
            let more = rest.trailing_ones();
            if more == BLOCK_BITS {
                return true;
            }
            self.open = None;
            let end = at.wrapping_add(more as usize);
            if !object.get(start..end).is_some_and(is_valid) {
                return false;
            }
            rest &= !below(more);
        }
        while rest != 0 {
            let start = rest.trailing_zeros();
            let run = (rest >> start).trailing_ones();
            let end = start.wrapping_add(run);
            let from = at.wrapping_add(start as usize);
            if end == BLOCK_BITS {
                self.open = Some(from);
                return true;
            }
            let to = at.wrapping_add(end as usize);
            if !object.get(from..to).is_some_and(is_valid) {
                return false;
            }
            rest &= !below(end);
        }
        true
    }
}

/// Whether a text that stands for itself is one that JSON has (RFC 8259, 3 and 6).
fn is_valid(text: &[u8]) -> bool {
    match text {
        [b't', rest @ ..] => rest == b"rue",
        [b'f', rest @ ..] => rest == b"alse",
        [b'n', rest @ ..] => rest == b"ull",
        // Ports, counts and the like.
        [b'1'..=b'9', rest @ ..] if rest.len() < SHORT && rest.iter().all(u8::is_ascii_digit) => {
            true
        }
        [b'-', number @ ..] | number => is_number(number) && is_in_range(text),
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

fn is_in_range(number: &[u8]) -> bool {
    let is_plain =
        number.len() < SAFE_LEN && !number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    is_plain || strict::utf8(number).is_ok_and(|text| strict::check(text).is_ok())
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
            let judge = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(is_valid(text.as_bytes()), judge.is_ok(), "{text}");
        }
    }
}
