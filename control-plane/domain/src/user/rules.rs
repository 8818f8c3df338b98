//! What users made over the API may look like: KubeCube's rules.

use std::ops::RangeInclusive;

/// Length of a password, without blanks at its ends.
pub const PASSWORD_BYTES: RangeInclusive<usize> = 8..=20;

/// Longest text of a profile. KubeCube has no limit.
const MAX_TEXT_BYTES: usize = 253;

/// Returns whether a password is good enough: KubeCube's 8 to 20 bytes with two of letters,
/// digits and anything else.
pub fn check_password(password: &str) -> bool {
    let letter = password.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digit = password.bytes().any(|byte| byte.is_ascii_digit());
    let special = password.bytes().any(|byte| !byte.is_ascii_alphanumeric());
    PASSWORD_BYTES.contains(&password.len())
        && u8::from(letter) + u8::from(digit) + u8::from(special) >= 2
}

/// Returns whether this is a Chinese mobile number, the only kind that KubeCube takes: 11
/// digits from 13 to 19 on.
pub fn check_phone(phone: &str) -> bool {
    phone.len() == 11
        && phone.bytes().all(|byte| byte.is_ascii_digit())
        && phone.starts_with('1')
        && matches!(phone.as_bytes().get(1), Some(b'3'..=b'9'))
}

/// Returns whether this looks like an e-mail address: `a@b.cc`, nothing else around it.
pub fn check_email(email: &str) -> bool {
    let Some((name, host)) = email.split_once('@') else {
        return false;
    };
    let Some((domain, last)) = host.rsplit_once('.') else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
    };
    email.len() <= MAX_TEXT_BYTES
        && plain(name)
        && plain(domain)
        && last.len() >= 2
        && last.chars().all(char::is_alphabetic)
}

/// Returns whether this can be shown as a name: not too long, no control characters.
pub fn check_display_name(name: &str) -> bool {
    name.len() <= MAX_TEXT_BYTES && !name.chars().any(char::is_control)
}

/// Returns whether this can be a language tag (RFC 5646 in its plain form), as `zh` or `en-GB`.
pub fn check_language(language: &str) -> bool {
    (2..=35).contains(&language.len())
        && language
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_8_to_20_bytes_of_two_kinds() {
        for good in ["abcdefg1", "1234567!", "abcdefg!", "abcdefghij123456789x"] {
            assert!(check_password(good), "{good}");
        }
        for bad in [
            "",
            "abc1234",
            "abcdefghij1234567890x",
            "abcdefgh",
            "12345678",
            "!!!!!!!!",
        ] {
            assert!(!check_password(bad), "{bad}");
        }
    }

    #[test]
    fn a_phone_is_a_chinese_mobile_number() {
        assert!(check_phone("18816212224"));
        for bad in ["", "123", "12816212224", "188162122245", "1881621222a"] {
            assert!(!check_phone(bad), "{bad}");
        }
    }

    #[test]
    fn an_email_has_a_name_a_domain_and_an_end() {
        for good in ["a@b.cc", "a.b+c@d-e.f.org"] {
            assert!(check_email(good), "{good}");
        }
        for bad in [
            "", "a", "a@b", "a@b.c", "@b.cc", "a@.cc", "a@b.cc ", "a@@b.cc",
        ] {
            assert!(!check_email(bad), "{bad}");
        }
    }

    #[test]
    fn names_and_languages_are_plain_text() {
        assert!(check_display_name("Jeff 杰夫") && !check_display_name("a\nb"));
        assert!(check_language("zh") && check_language("en-GB"));
        assert!(!check_language("") && !check_language("zh--x") && !check_language("z h"));
    }
}
