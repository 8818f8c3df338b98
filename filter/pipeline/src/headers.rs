//! Headers as bytes.

/// A header list in the order it came, names in lower case, values any bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

// === impl Headers ===

impl Headers {
    /// Wraps a list.
    pub fn new(mut headers: Vec<(String, Vec<u8>)>) -> Self {
        // Envoy has written them so already.
        for (name, _) in &mut headers {
            name.make_ascii_lowercase();
        }
        Self(headers)
    }

    /// Those of a test.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Self::new(pairs.iter().map(pair).collect())
    }

    /// Returns the first value of a header.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut found = self
            .0
            .iter()
            .filter(|(have, _)| have.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_slice())
    }

    /// Returns the first value of a header, when it is text.
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

    /// Returns whether the content is JSON in no special form.
    pub(crate) fn is_json(&self) -> bool {
        self.get_str("content-type").is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/json")
        })
    }

    /// Keeps the headers whose name passes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
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
            self.0.push((name.to_ascii_lowercase(), value));
        }
    }

    /// Adds a value beside those there are.
    pub fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
    }

    /// Returns how long they are together, names and values, in bytes.
    pub fn size(&self) -> usize {
        self.0.iter().fold(0_usize, |sum, (name, value)| {
            sum.saturating_add(name.len()).saturating_add(value.len())
        })
    }

    /// The list.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_leaves_one_value() {
        let mut headers = Headers::of(&[("a", "1"), ("b", "2"), ("a", "3")]);
        headers.set("a", "4");
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"4"]);
        headers.remove("b");
        assert_eq!(headers.get("b"), None);
    }
}
