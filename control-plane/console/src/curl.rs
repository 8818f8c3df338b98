//! Requests as lines for a shell.

/// Returns the line that reads this URL with this token.
pub(crate) fn get(url: &str, token: &str) -> String {
    format!(
        "curl {} \\\n  -H {}",
        quoted(url),
        quoted(&format!("Authorization: Bearer {token}"))
    )
}

/// The same with a token that stands in a variable of the shell.
pub(crate) fn get_with_variable(url: &str) -> String {
    format!(
        "curl {} \\\n  -H \"Authorization: Bearer $TOKEN\"",
        quoted(url)
    )
}

/// Returns the text as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_has_named_ends_no_quotes() {
        assert_eq!(quoted("a'b"), r"'a'\''b'");
        assert_eq!(
            get("https://g/x?a=b c", "t"),
            "curl 'https://g/x?a=b c' \\\n  -H 'Authorization: Bearer t'"
        );
    }
}
