//! What of a client's text may stand in a record.

/// Longest path, in bytes.
const MAX_PATH: usize = 1024;

/// Longest other text, in bytes; Kubernetes' names have 253 at most.
const MAX_TEXT: usize = 256;

/// What stands in the place of a token.
const TOKEN: &str = "[token]";

/// A path without its query, also when the `?` is written as `%3F`, as a client
/// does that encodes a whole URL once more.
pub fn path(raw: &str) -> String {
    let end = raw
        .char_indices()
        .find(|(at, character)| {
            matches!(character, '?' | '#')
                || raw
                    .get(*at..at.saturating_add(3))
                    .is_some_and(|three| three.eq_ignore_ascii_case("%3f"))
        })
        .map_or(raw.len(), |(at, _)| at);
    cut(
        &without_tokens(raw.get(..end).unwrap_or_default()),
        MAX_PATH,
    )
}

/// Any other text: a name, a reason, the client's name for itself.
pub fn short(raw: &str) -> String {
    cut(&without_tokens(raw), MAX_TEXT)
}

fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Puts [`TOKEN`] in the place of every JWT: `eyJ` is the beginning of any JSON
/// object in base64url, and two dots follow.
fn without_tokens(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find("eyJ").and_then(|at| rest.split_at_checked(at)) {
        kept.push_str(before);
        let end = from.find(|c| !is_of_token(c)).unwrap_or(from.len());
        let (word, after) = from.split_at_checked(end).unwrap_or((from, ""));
        if word.bytes().filter(|byte| *byte == b'.').count() >= 2 {
            kept.push_str(TOKEN);
        } else {
            kept.push_str(word);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_before_anything_like_a_query() {
        assert_eq!(path("/a/b"), "/a/b");
        assert_eq!(path("/a?accessKey=1&secretKey=2"), "/a");
        assert_eq!(path("/a%3faccessKey=1"), "/a");
        assert_eq!(path("/a%3FaccessKey=1"), "/a");
        assert_eq!(path("/a#token=1"), "/a");
        assert_eq!(path("/%C3%A4/ä%3"), "/%C3%A4/ä%3");
        assert_eq!(path(""), "");
    }

    #[test]
    fn tokens_are_taken_out_and_words_like_them_stay() {
        assert_eq!(short("Bearer eyJa.eyJb.c-_=, x"), "Bearer [token], x");
        assert_eq!(short("/eyJa.b.c/eyJd.e.f"), "/[token]/[token]");
        assert_eq!(short("eyJa.b"), "eyJa.b");
        assert_eq!(short("heyJude"), "heyJude");
        assert_eq!(short("eyJ"), "eyJ");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short(&"a".repeat(256)), "a".repeat(256));
        let cut = short(&"ä".repeat(200));
        assert_eq!(cut.chars().count(), 129);
        assert!(cut.ends_with("ä…"));
        assert_eq!(path(&"/".repeat(2_000)).len(), 1024 + "…".len());
    }
}
