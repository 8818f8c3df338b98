//! Numbers and Kubernetes quantities, exactly and without floating point.

use std::cmp::Ordering;

/// A decimal number of up to 38 significant digits; more are cut off, which
/// keeps the order. A quantity with a binary suffix has 19 of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The number of digits before the point (negative: of zeros behind it),
    /// with the number's sign, so that a greater one is a greater number.
    scale: i64,
    /// The significant digits, filled up to [`DIGITS`] with zeros, with the sign.
    digits: i128,
}

const DIGITS: u32 = 38;
/// 10^19 · 2^60 is below 10^38.
const BINARY_DIGITS: u32 = 19;

const ZERO: Decimal = Decimal {
    scale: 0,
    digits: 0,
};

// === impl Decimal ===

impl Decimal {
    /// Reads digits with an optional sign, point and exponent.
    #[inline]
    pub fn number(text: &str) -> Option<Self> {
        Self::parse(text, exponent)
    }

    /// Reads a number that may end in a Kubernetes suffix instead of an exponent.
    #[inline]
    pub fn quantity(text: &str) -> Option<Self> {
        Self::parse(text, |suffix| match suffix {
            "n" => Some((-9, 0)),
            "u" => Some((-6, 0)),
            "m" => Some((-3, 0)),
            "k" => Some((3, 0)),
            "M" => Some((6, 0)),
            "G" => Some((9, 0)),
            "T" => Some((12, 0)),
            "P" => Some((15, 0)),
            "E" => Some((18, 0)),
            "Ki" => Some((0, 10)),
            "Mi" => Some((0, 20)),
            "Gi" => Some((0, 30)),
            "Ti" => Some((0, 40)),
            "Pi" => Some((0, 50)),
            "Ei" => Some((0, 60)),
            other => exponent(other),
        })
    }

    /// Returns it in thousandths, rounded up as Kubernetes does; `None` if it is negative.
    /// Beyond 64 bits it is the largest number.
    pub fn milli(self) -> Option<u64> {
        let digits = u128::try_from(self.digits).ok()?;
        // How many of the digits stand behind the thousandths' point.
        let behind = i64::from(DIGITS).checked_sub(self.scale.checked_add(3)?)?;
        let Ok(behind) = u32::try_from(behind) else {
            return Some(u64::MAX);
        };
        let milli = match 10_u128.checked_pow(behind) {
            Some(divisor) => digits.div_ceil(divisor),
            None => u128::from(digits > 0),
        };
        Some(u64::try_from(milli).unwrap_or(u64::MAX))
    }

    /// `suffix` says by which powers of ten and of two the number is multiplied.
    fn parse(text: &str, suffix: impl Fn(&str) -> Option<(i64, u32)>) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(unsigned.len());
        let (number, end) = unsigned.split_at_checked(end)?;
        let (tens, twos) = suffix(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }

        let all = whole.bytes().chain(fraction.bytes());
        let zeros = all.clone().take_while(|digit| *digit == b'0').count();
        let kept = if twos > 0 { BINARY_DIGITS } else { DIGITS };
        let (mut digits, mut count) = (0_u128, 0_u32);
        for digit in all.skip(zeros).take(usize::try_from(kept).ok()?) {
            digits = digits
                .checked_mul(10)?
                .checked_add(u128::from(digit.checked_sub(b'0')?))?;
            count = count.checked_add(1)?;
        }
        if digits == 0 {
            return Some(ZERO);
        }
        let mut scale = i64::try_from(whole.len())
            .ok()?
            .checked_sub(i64::try_from(zeros).ok()?)?
            .checked_add(tens)?;
        if twos > 0 {
            digits = digits.checked_mul(1_u128.checked_shl(twos)?)?;
            let longer = digits.checked_ilog10()?.checked_add(1)?;
            scale = scale.checked_add(i64::from(longer.checked_sub(count)?))?;
            count = longer;
        }
        let filled = digits.checked_mul(10_u128.checked_pow(DIGITS.checked_sub(count)?)?)?;
        let filled = i128::try_from(filled).ok()?;
        Some(if negative {
            Self {
                scale: scale.checked_neg()?,
                digits: filled.checked_neg()?,
            }
        } else {
            Self {
                scale,
                digits: filled,
            }
        })
    }
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.digits
            .signum()
            .cmp(&other.digits.signum())
            .then_with(|| self.scale.cmp(&other.scale))
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

impl PartialOrd for Decimal {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Nothing, or `e` and an integer.
fn exponent(suffix: &str) -> Option<(i64, u32)> {
    if suffix.is_empty() {
        return Some((0, 0));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((i64::from(exponent), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> Option<u64> {
        Decimal::quantity(text)?.milli()
    }

    #[test]
    fn every_form_of_a_quantity_is_read() {
        for (text, wanted) in [
            ("0", 0),
            ("4", 4000),
            ("250m", 250),
            ("1.5", 1500),
            (".5", 500),
            ("100n", 1),
            ("1e-100", 1),
            ("0Gi", 0),
            ("1001u", 2),
            ("16Gi", 16 * 1024 * 1024 * 1024 * 1000),
            ("2e3", 2_000_000),
            ("5E-1", 500),
            ("18446744073709551615m", u64::MAX),
            ("1E", u64::MAX),
            ("99999999999999999999999", u64::MAX),
            ("1e100", u64::MAX),
        ] {
            assert_eq!(milli(text), Some(wanted), "{text}");
        }
        for text in ["", "m", "-1", "1x", "1 Gi", ".", "1.2.3", "1e"] {
            assert_eq!(milli(text), None, "{text}");
        }
    }
}
