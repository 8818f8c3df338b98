//! Kubernetes quantities (`resource.Quantity`): `100m`, `16Gi`, `1e3`.

/// A quantity in thousandths, rounded up, as Kubernetes does; `None` when it is none.
/// Beyond 64 bits it is the largest number.
pub(super) fn milli(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 || whole.len() > 20 {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let denominator = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let (multiply, divide) = scale(suffix)?;
    let numerator = digits.checked_mul(multiply)?.checked_mul(1000)?;
    let milli = numerator.div_ceil(denominator.checked_mul(divide)?);
    Some(u64::try_from(milli).unwrap_or(u64::MAX))
}

/// What a suffix multiplies with and divides by.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let binary = |power: u32| 1024_u128.checked_pow(power).map(|factor| (factor, 1));
    let decimal = |power: u32| 10_u128.checked_pow(power);
    match suffix {
        "n" => Some((1, decimal(9)?)),
        "u" => Some((1, decimal(6)?)),
        "m" => Some((1, decimal(3)?)),
        "" => Some((1, 1)),
        "k" => Some((decimal(3)?, 1)),
        "M" => Some((decimal(6)?, 1)),
        "G" => Some((decimal(9)?, 1)),
        "T" => Some((decimal(12)?, 1)),
        "P" => Some((decimal(15)?, 1)),
        "E" => Some((decimal(18)?, 1)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = decimal(exponent.unsigned_abs().min(30))?;
            Some(if exponent < 0 {
                (1, factor)
            } else {
                (factor, 1)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::milli;

    #[test]
    fn every_form_of_a_quantity_is_read() {
        for (text, wanted) in [
            ("0", 0),
            ("4", 4000),
            ("250m", 250),
            ("1.5", 1500),
            (".5", 500),
            ("100n", 1),
            ("16Gi", 16 * 1024 * 1024 * 1024 * 1000),
            ("2e3", 2_000_000),
            ("5E-1", 500),
            (
                "1E",
                1_000_000_000_000_000_000_000_u128.min(u128::from(u64::MAX)) as u64,
            ),
        ] {
            assert_eq!(milli(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "m",
            "-1",
            "1x",
            "1 Gi",
            ".",
            "1.2.3",
            "1e",
            "99999999999999999999999",
        ] {
            assert_eq!(milli(text), None, "{text}");
        }
    }
}
