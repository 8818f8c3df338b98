//! Where an item stands among the others.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::sort::SortKind;
use crate::typed::Typed;
use crate::value::Value;

/// What decides an item's place.
#[derive(Clone, Debug)]
pub(crate) struct Rank<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) descending: bool,
    /// The keys after the first one; mostly there are none.
    pub(crate) more: Vec<NextKey<'a>>,
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// The item's place in the upstream's list: the last word on ties.
    pub(crate) arrival: u64,
}

/// A key that decides when those before it are equal.
#[derive(Clone, Debug)]
pub(crate) struct NextKey<'a> {
    pub(crate) key: Key<'a>,
    pub(crate) descending: bool,
}

/// A value that an item is sorted by.
#[derive(Clone, Debug)]
pub(crate) enum Key<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    /// `None` comes last in either direction.
    Typed(Option<Typed<'a>>),
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

// === impl SortKind ===

impl SortKind {
    pub(crate) fn key(self, value: Value<'_>) -> Key<'_> {
        match self {
            Self::Text => Key::Text(value.into_text()),
            Self::Number => Key::Number(Number::read(&value.into_text())),
            Self::Typed(kind) => Key::Typed(kind.read(value)),
        }
    }
}

// === impl Rank ===

impl Rank<'_> {
    /// Returns the same rank with texts of its own.
    pub(crate) fn into_owned(self) -> Rank<'static> {
        let more = self.more.into_iter().map(|next| NextKey {
            key: next.key.into_owned(),
            descending: next.descending,
        });
        Rank {
            key: self.key.into_owned(),
            descending: self.descending,
            more: more.collect(),
            namespace: Cow::Owned(self.namespace.into_owned()),
            name: Cow::Owned(self.name.into_owned()),
            arrival: self.arrival,
        }
    }

    /// Returns the bytes that it takes beside itself.
    pub(crate) fn text_bytes(&self) -> usize {
        let more = self.more.iter().map(|next| {
            next.key
                .text_bytes()
                .saturating_add(size_of::<NextKey<'_>>())
        });
        more.fold(self.key.text_bytes(), usize::saturating_add)
            .saturating_add(self.namespace.len())
            .saturating_add(self.name.len())
    }

    /// Returns the order of the list: the keys as asked, ties always ascending.
    pub(crate) fn order(&self, other: &Rank<'_>) -> Ordering {
        self.key
            .order(&other.key, self.descending)
            .then_with(|| {
                let pairs = self.more.iter().zip(&other.more);
                pairs
                    .map(|(left, right)| left.key.order(&right.key, left.descending))
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            })
            .then_with(|| self.namespace.cmp(&other.namespace))
            .then_with(|| self.name.cmp(&other.name))
            .then_with(|| self.arrival.cmp(&other.arrival))
    }
}

// === impl Key ===

impl Key<'_> {
    /// Returns which of two keys of one kind comes first.
    pub(crate) fn order(&self, other: &Key<'_>, descending: bool) -> Ordering {
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Text(left), Key::Text(right)) => directed(left.cmp(right)),
            (Self::Number(left), Key::Number(right)) => directed(left.order(*right)),
            (Self::Typed(Some(left)), Key::Typed(Some(right))) => directed(left.order(right)),
            (Self::Typed(Some(_)), Key::Typed(None)) => Ordering::Less,
            (Self::Typed(None), Key::Typed(Some(_))) => Ordering::Greater,
            // Not of the type on either side. Keys of two kinds never meet in one list.
            _ => Ordering::Equal,
        }
    }

    fn into_owned(self) -> Key<'static> {
        match self {
            Self::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Key::Number(number),
            Self::Typed(typed) => Key::Typed(typed.map(Typed::into_owned)),
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) => 0,
            Self::Typed(typed) => typed.as_ref().map_or(0, Typed::text_bytes),
        }
    }
}

// === impl Number ===

impl Number {
    /// Returns what is not a finite decimal number is 0.
    pub(crate) fn read(text: &str) -> Self {
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

    pub(crate) fn order(self, other: Self) -> Ordering {
        self.rounded
            .total_cmp(&other.rounded)
            .then(self.exact.cmp(&other.exact))
    }
}

#[cfg(test)]
mod tests;
