//! Paths and queries out of what users have named.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 (2.3) lets stand as it is anywhere in a URL, but for the dot: a segment of
/// dots alone would lead elsewhere.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// What may stand in a value of a query (RFC 3986, 3.4) and makes it easier to read.
const OF_VALUE: &AsciiSet = &RESERVED.remove(b'.').remove(b'/').remove(b':');

/// Returns the text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Returns the path with those of the parameters that are not empty.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    for (place, (name, value)) in given.enumerate() {
        url.push(if place == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, OF_VALUE));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_has_named_leads_nowhere_else() {
        assert_eq!(segment("a-b_c"), "a-b_c");
        assert_eq!(segment("../x?y#z"), "%2E%2E%2Fx%3Fy%23z");
        assert_eq!(segment("张三"), "%E5%BC%A0%E4%B8%89");
    }

    #[test]
    fn what_is_empty_is_not_asked_for() {
        assert_eq!(with_query("/a", &[("b", ""), ("c", "")]), "/a");
        assert_eq!(
            with_query("/a", &[("b", ""), ("c", "1 + 1"), ("d", "x&y")]),
            "/a?c=1%20%2B%201&d=x%26y"
        );
        assert_eq!(
            with_query("/a", &[("next", "/b/../c?d#e"), ("sort", "a.b:time")]),
            "/a?next=/b/../c%3Fd%23e&sort=a.b:time"
        );
    }
}
