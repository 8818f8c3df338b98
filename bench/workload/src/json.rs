//! JSON as an API server writes it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A JSON value whose members keep their order: Kubernetes writes an object's
/// fields in the order of its Go struct, which is not the alphabet's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer; the lists have no others.
    Number(u64),
    /// A string.
    Text(Cow<'static, str>),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(Cow<'static, str>, Json)>),
}

// === impl Json ===

impl Json {
    /// An object of these members.
    pub fn object<K: Into<Cow<'static, str>>>(
        members: impl IntoIterator<Item = (K, Self)>,
    ) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// An object of texts, sorted by name as Go writes its maps.
    pub fn map(mut members: Vec<(Cow<'static, str>, String)>) -> Self {
        members.sort();
        Self::object(members.into_iter().map(|(name, text)| (name, text.into())))
    }

    /// An array of these.
    pub fn array(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(elements.into_iter().collect())
    }

    /// An object without members.
    pub fn empty() -> Self {
        Self::Object(Vec::new())
    }

    /// This object with one more member behind the others.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Self) -> Self {
        if let Self::Object(members) = &mut self {
            members.push((name.into(), value));
        }
        self
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value)
    }

    /// Writes it without blanks.
    pub fn write(&self, to: &mut String) {
        match self {
            Self::Null => to.push_str("null"),
            Self::Bool(true) => to.push_str("true"),
            Self::Bool(false) => to.push_str("false"),
            // Writing to a String cannot fail.
            Self::Number(number) => {
                let _ = write!(to, "{number}");
            }
            Self::Text(text) => write_text(text, to),
            Self::Array(elements) => {
                to.push('[');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        to.push(',');
                    }
                    element.write(to);
                }
                to.push(']');
            }
            Self::Object(members) => {
                to.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        to.push(',');
                    }
                    write_text(name, to);
                    to.push(':');
                    value.write(to);
                }
                to.push('}');
            }
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(value)
    }
}

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// A string with Go's escapes, which are more than JSON asks for: `<`, `>` and
/// `&` too. What is not ASCII stays as it is.
fn write_text(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '<' | '>' | '&' | '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String cannot fail.
                let _ = write!(to, "\\u{:04x}", u32::from(character));
            }
            other => to.push(other),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_texts_are_escaped_as_go_does() {
        let json = Json::object([
            ("z", Json::from("a \"b\" \\ <&> \u{e9}\n\u{1}\u{2028}")),
            ("a", Json::array([Json::Null, true.into(), 7.into()])),
        ])
        .with("m", Json::empty());
        assert_eq!(
            json.to_string(),
            r#"{"z":"a \"b\" \\ \u003c\u0026\u003e é\n\u0001\u2028","a":[null,true,7],"m":{}}"#
        );
    }

    #[test]
    fn maps_are_sorted() {
        let map = Json::map(vec![
            ("b".into(), "1".to_owned()),
            ("a".into(), "2".to_owned()),
        ]);
        assert_eq!(map.to_string(), r#"{"a":"2","b":"1"}"#);
    }
}
