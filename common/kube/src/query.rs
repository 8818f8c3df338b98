//! A URL's query as Go reads it, and what Kubernetes makes of its values.

use percent_encoding::percent_decode_str;

/// Returns the pairs of a query, decoded and in their order. As in Go, a pair with an
/// invalid escape or a `;` says nothing.
pub fn pairs(raw_query: &str) -> impl Iterator<Item = (String, String)> {
    raw_query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
}

/// Decodes a name or a value of a form; `None` if it has an invalid escape, about which
/// Go is strict. Bytes that are no UTF-8 become replacement characters, which is what
/// they are in JSON, too.
pub fn decode(raw: &str) -> Option<String> {
    let well_formed = raw.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.next().is_some() && digits.next().is_some()
    });
    well_formed.then(|| {
        let spaced = raw.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    })
}

/// Returns how Kubernetes reads a boolean parameter that is there: whatever is not said
/// to be false is true, so `?watch` alone is.
pub fn is_true(value: &str) -> bool {
    value != "0" && !value.eq_ignore_ascii_case("false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_go() {
        let read = |query: &str| {
            let pairs = pairs(query).map(|(name, value)| format!("{name}:{value}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        for (query, expected) in [
            ("", ""),
            ("a=1&b=2&a=3", "a:1 b:2 a:3"),
            ("a&b=&&c=d=e", "a: b: c:d=e"),
            ("%77atch=%31", "watch:1"),
            ("a=b+c%2Bd", "a:b c+d"),
            ("a=%&b=%4&c=%zz&%=d&e=f", "e:f"),
            ("a=%C3%A4&b=%ff", "a:\u{e4} b:\u{fffd}"),
            ("a=1;b=2&c=3", "c:3"),
            ("a=1%3Bb", "a:1;b"),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }

    #[test]
    fn what_is_not_said_to_be_false_is_true() {
        for value in ["", "true", "1", "no", "00", " false"] {
            assert!(is_true(value), "{value}");
        }
        for value in ["0", "false", "False", "FALSE"] {
            assert!(!is_true(value), "{value}");
        }
    }
}
