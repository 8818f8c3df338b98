//! Durations as Go writes them (`1h30m`) and as kubectl shows ages (`7d4h`).

/// The units with their nanoseconds. A day has 24 hours and a year 365 days, as in kubectl.
const UNITS: [(&str, i128); 10] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("y", 31_536_000_000_000_000),
];

/// Nanoseconds; finer fractions are cut off. Only 0 may have no unit.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i128 = 0;
    let mut parts = 0_usize;
    while !rest.is_empty() {
        let is_number = |character: char| character.is_ascii_digit() || character == '.';
        let end = rest.find(|character| !is_number(character))?;
        let (number, tail) = rest.split_at_checked(end)?;
        let end = tail.find(is_number).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(nanoseconds(number, *unit)?)?;
        parts = parts.saturating_add(1);
        rest = tail;
    }
    if parts == 0 {
        return None;
    }
    sum.checked_mul(sign)
}

fn nanoseconds(number: &str, unit: i128) -> Option<i128> {
    // Digits beyond this are less than a nanosecond of the longest unit.
    const FRACTION_DIGITS: usize = 18;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = |text: &str| -> Option<i128> {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse().ok()
        }
    };
    let mut nanoseconds = digits(whole)?.checked_mul(unit)?;
    if fraction.bytes().any(|digit| !digit.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.get(..FRACTION_DIGITS).unwrap_or(fraction);
    let parts = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    nanoseconds =
        nanoseconds.checked_add(digits(fraction)?.checked_mul(unit)?.checked_div(parts)?)?;
    Some(nanoseconds)
}
