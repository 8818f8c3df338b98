//! Headers as bytes, and the request head parsed once.

use percent_encoding::percent_decode_str;

use crate::Reply;

/// A header list in the order it came, names in lower case (Envoy's promise),
/// values any bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// The parts of a request head that every step reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// `:method`.
    pub method: String,
    /// `:path` without the query, still percent-encoded, free of everything that
    /// two parsers may read in two ways.
    pub path: String,
    /// The query without `?`; absent is not the same as empty.
    pub query: Option<String>,
}

// === impl Headers ===

impl Headers {
    /// Wraps a list.
    pub fn new(headers: Vec<(String, Vec<u8>)>) -> Self {
        Self(headers)
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut found = self
            .0
            .iter()
            .filter(|(have, _)| have.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_slice())
    }

    /// The first value of a header, when it is text.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0
            .iter()
            .filter(move |(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Every value of a header that is text.
    pub(crate) fn all_str<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.all(name)
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// Whether the content is JSON in no special form.
    pub(crate) fn is_json(&self) -> bool {
        self.get_str("content-type").is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/json")
        })
    }

    /// Keeps the headers whose name passes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(&name.to_ascii_lowercase()));
    }

    /// Puts one value in the place of all there are.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let value = value.into();
        if let Some((_, have)) = self
            .0
            .iter_mut()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
        {
            *have = value;
            let mut seen = false;
            self.0.retain(|(have, _)| {
                let same = have.eq_ignore_ascii_case(name);
                let keep = !(same && seen);
                seen |= same;
                keep
            });
        } else {
            self.0.push((name.to_owned(), value));
        }
    }

    /// Adds a value beside those there are.
    pub fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
    }

    /// The list.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

// === impl RequestHead ===

impl RequestHead {
    /// Reads the head.
    ///
    /// The path goes to another server that parses it again, so one that can be
    /// read in two ways is refused rather than repaired: encoded slashes, dot
    /// segments in any spelling, backslashes, control characters.
    ///
    /// # Errors
    /// The reply that says what is wrong with it.
    pub fn parse(headers: &Headers) -> Result<Self, Reply> {
        let method = headers.get_str(":method").unwrap_or_default().to_owned();
        let raw = headers.get(":path").unwrap_or_default();
        let text = std::str::from_utf8(raw)
            .ok()
            .filter(|text| text.starts_with('/'));
        let Some(text) = text else {
            return Err(Reply::path_malformed("/"));
        };
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (text, None),
        };
        if path_is_ambiguous(path) {
            return Err(Reply::path_malformed(path));
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            query,
        })
    }

    /// Whether the request reads and nothing else.
    pub fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }
}

fn path_is_ambiguous(path: &str) -> bool {
    if path
        .bytes()
        .any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\' || byte == b'#')
    {
        return true;
    }
    path.split('/').any(|segment| {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        decoded == b"."
            || decoded == b".."
            || decoded
                .iter()
                .any(|byte| matches!(byte, b'/' | b'\\') || byte.is_ascii_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(path: &str) -> Result<RequestHead, Reply> {
        RequestHead::parse(&Headers::new(vec![
            (":method".to_owned(), b"GET".to_vec()),
            (":path".to_owned(), path.as_bytes().to_vec()),
        ]))
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_refused() {
        for path in [
            "/a/../b",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a%2fb",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%00b",
            "/a%0d%0ab",
            "a",
            "",
            "*",
        ] {
            assert!(head(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn ordinary_paths_keep_their_bytes() {
        for path in [
            "/",
            "/api/v1/pods",
            "/a%20b",
            "/a%252fb",
            "/a;x=1",
            "/...",
            "/a/.hidden",
            "/pivot%2Dcluster",
        ] {
            assert_eq!(head(path).unwrap().path, path);
        }
        let with_query = head("/a?b=../c&d=%2f").unwrap();
        assert_eq!(with_query.query.as_deref(), Some("b=../c&d=%2f"));
        assert_eq!(head("/a?").unwrap().query.as_deref(), Some(""));
    }

    #[test]
    fn set_leaves_one_value() {
        let mut headers = Headers::new(vec![
            ("a".to_owned(), b"1".to_vec()),
            ("b".to_owned(), b"2".to_vec()),
            ("a".to_owned(), b"3".to_vec()),
        ]);
        headers.set("a", "4");
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"4"]);
        headers.remove("b");
        assert_eq!(headers.get("b"), None);
    }
}
