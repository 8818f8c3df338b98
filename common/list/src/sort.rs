//! The order of a list: `sortName`, `sortOrder`, `sortFunc`, and the keys that they make of items.

use std::borrow::Cow;
use std::cmp::Ordering;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::path::KeyPath;
use crate::value::Value;

/// By which field, as what, and in which direction a list is sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub path: KeyPath,
    /// How two values of it compare.
    pub kind: SortKind,
    /// Whether greater values come first.
    pub descending: bool,
}

/// How the values of a field compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKind {
    /// By the bytes of the text; numbers and booleans by their JSON text; what
    /// is missing, an array or an object is the empty text.
    Text,
    /// By value; numbers in strings count; everything else is 0.
    Number,
    /// By instant (RFC 3339); everything else comes last, whatever the direction.
    Time,
}

/// Where an item stands among the others.
#[derive(Clone, Debug)]
pub(crate) struct Rank<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// The item's place in the upstream's list: the last word on ties.
    pub(crate) arrival: u64,
    pub(crate) descending: bool,
}

/// The value that an item is sorted by.
#[derive(Clone, Debug)]
pub(crate) enum Key<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    Time(Option<i128>),
}

/// A number that compares exactly with every other one.
///
/// Integers that round to the same double are told apart by their exact value;
/// comparing the pair in this order is transitive, which comparing "integers
/// exactly, others as doubles" would not be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    rounded: f64,
    exact: i128,
}

const DEFAULT_PATH: &str = "metadata.name";

// === impl Sort ===

impl Sort {
    /// Reads the three parameters; each has its default by itself.
    pub fn parse(name: Option<&str>, order: Option<&str>, func: Option<&str>) -> Self {
        let path = match name.unwrap_or_default() {
            "" | "name" => DEFAULT_PATH,
            "creationTimestamp" | "CreationTimestamp" => "metadata.creationTimestamp",
            path => path,
        };
        let kind = match func {
            Some("number") => SortKind::Number,
            Some("time") => SortKind::Time,
            _ => SortKind::Text,
        };
        Self {
            path: KeyPath::parse(path),
            kind,
            descending: order.is_some_and(|order| order.eq_ignore_ascii_case("desc")),
        }
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self::parse(None, None, None)
    }
}

// === impl SortKind ===

impl SortKind {
    pub(crate) fn key(self, value: Value<'_>) -> Key<'_> {
        match self {
            Self::Text => Key::Text(value.into_text()),
            Self::Number => Key::Number(Number::read(&value.into_text())),
            Self::Time => Key::Time(match value {
                Value::Text(text) => instant(&text),
                _ => None,
            }),
        }
    }
}

/// Nanoseconds since 1970. RFC 3339 wants a `T`; the parser takes any byte for it.
fn instant(text: &str) -> Option<i128> {
    matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        .then(|| OffsetDateTime::parse(text, &Rfc3339).ok())
        .flatten()
        .map(OffsetDateTime::unix_timestamp_nanos)
}

// === impl Rank ===

impl Rank<'_> {
    /// The same rank with texts of its own.
    pub(crate) fn into_owned(self) -> Rank<'static> {
        Rank {
            key: match self.key {
                Key::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
                Key::Number(number) => Key::Number(number),
                Key::Time(instant) => Key::Time(instant),
            },
            namespace: Cow::Owned(self.namespace.into_owned()),
            name: Cow::Owned(self.name.into_owned()),
            arrival: self.arrival,
            descending: self.descending,
        }
    }

    /// The bytes that its texts take.
    pub(crate) fn text_bytes(&self) -> usize {
        let key = match &self.key {
            Key::Text(text) => text.len(),
            Key::Number(_) | Key::Time(_) => 0,
        };
        key.saturating_add(self.namespace.len())
            .saturating_add(self.name.len())
    }

    /// The order of the list: the key as asked, ties always ascending.
    pub(crate) fn order(&self, other: &Rank<'_>) -> Ordering {
        self.key
            .order(&other.key, self.descending)
            .then_with(|| self.namespace.cmp(&other.namespace))
            .then_with(|| self.name.cmp(&other.name))
            .then_with(|| self.arrival.cmp(&other.arrival))
    }
}

// === impl Key ===

impl Key<'_> {
    fn order(&self, other: &Key<'_>, descending: bool) -> Ordering {
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Text(left), Key::Text(right)) => directed(left.cmp(right)),
            (Self::Number(left), Key::Number(right)) => directed(left.order(*right)),
            (Self::Time(Some(left)), Key::Time(Some(right))) => directed(left.cmp(right)),
            (Self::Time(Some(_)), Key::Time(None)) => Ordering::Less,
            (Self::Time(None), Key::Time(Some(_))) => Ordering::Greater,
            // No time on either side. Keys of two kinds never meet in one list.
            _ => Ordering::Equal,
        }
    }
}

// === impl Number ===

impl Number {
    /// What is not a finite decimal number is 0.
    fn read(text: &str) -> Self {
        if let Ok(exact) = text.parse::<i128>() {
            return Self {
                // Rounds to the nearest double, which is what is meant.
                rounded: exact as f64,
                exact,
            };
        }
        // Rust also parses `inf`, `nan` and `infinity`.
        let decimal = text.bytes().any(|byte| byte.is_ascii_digit());
        let rounded = text
            .parse::<f64>()
            .ok()
            .filter(|number| decimal && number.is_finite())
            .unwrap_or_default()
            // -0.0 + 0.0 is 0.0.
            + 0.0;
        Self {
            rounded,
            // Truncates and saturates, which is what is meant.
            exact: rounded as i128,
        }
    }

    fn order(self, other: Self) -> Ordering {
        self.rounded
            .total_cmp(&other.rounded)
            .then(self.exact.cmp(&other.exact))
    }
}

#[cfg(test)]
mod tests;
