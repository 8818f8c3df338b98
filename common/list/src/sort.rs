//! The order of a list: the parameters `sort` and `sortName`, `sortOrder`, `sortFunc`.

use crate::derived::Derived;
use crate::error::QueryError;
use crate::filter::path_token;
use crate::path::KeyPath;
use crate::typed::ValueType;

pub(crate) use crate::rank::Rank;

/// By what a list is sorted: by the first key, ties by the next, and what is
/// still equal by namespace, name and place in the upstream's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    pub(crate) keys: Vec<SortKey<KeyPath>>,
}

/// One key of an order; `F` is how a field is named, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortKey<F> {
    pub(crate) source: Source<F>,
    pub(crate) kind: SortKind,
    /// Whether greater values come first.
    pub(crate) descending: bool,
}

/// Where the value of a key is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source<F> {
    /// A field. Of several values the one counts that comes first.
    Field(F),
    /// The latest time in any of these fields.
    Latest(Vec<F>),
    /// A computed text.
    Derived(Box<Derived<F>>),
}

/// How the values of a key compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKind {
    /// By the bytes of the text; numbers and booleans by their JSON text; what
    /// is missing, an array or an object is the empty text.
    Text,
    /// By value; numbers in strings count; everything else is 0.
    Number,
    /// As this type; everything else comes last, whatever the direction.
    Typed(ValueType),
}

const DEFAULT_PATH: &str = "metadata.name";
const PARAMETER: &str = "sort";
const MAX_KEYS: usize = 8;

// === impl Sort ===

impl Sort {
    /// Reads the three parameters `sortName`, `sortOrder` and `sortFunc`; each
    /// has its default by itself.
    pub fn parse(name: Option<&str>, order: Option<&str>, func: Option<&str>) -> Self {
        let kind = match func {
            Some("number") => SortKind::Number,
            None | Some("string") => SortKind::Text,
            Some(other) => ValueType::named(other).map_or(SortKind::Text, SortKind::Typed),
        };
        let key = SortKey {
            source: Source::Field(KeyPath::parse(full_name(name.unwrap_or_default()))),
            kind,
            descending: order.is_some_and(|order| order.eq_ignore_ascii_case("desc")),
        };
        Self { keys: vec![key] }
    }

    /// Reads a decoded `sort` value; a blank one is the default order.
    ///
    /// # Errors
    ///
    /// Says where the text is no order, and what is expected there.
    pub fn keys(text: &str) -> Result<Self, QueryError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let error = |rest: &str, problem: &str| QueryError::at(PARAMETER, text, rest, problem);
        let mut keys = Vec::new();
        let mut rest = text.trim_start();
        loop {
            if keys.len() >= MAX_KEYS {
                return Err(error(rest, "there may be 8 keys at most"));
            }
            let descending = rest.starts_with('-');
            rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            let (token, tail) = path_token(rest);
            let full = if token.is_empty() {
                token
            } else {
                full_name(token)
            };
            let path = KeyPath::read(full).map_err(|problem| {
                error(rest.get(problem.at..).unwrap_or_default(), problem.problem)
            })?;
            rest = tail;
            let kind = match rest.strip_prefix(':') {
                None => ValueType::String,
                Some(named) => {
                    let end = named.find(|character: char| !character.is_ascii_alphanumeric());
                    let (name, tail) = end
                        .and_then(|end| named.split_at_checked(end))
                        .unwrap_or((named, ""));
                    rest = tail;
                    ValueType::named(name).ok_or_else(|| error(named, ValueType::EXPECTED))?
                }
            };
            keys.push(SortKey {
                source: Source::Field(path),
                kind: SortKind::Typed(kind),
                descending,
            });
            rest = rest.trim_start();
            if rest.is_empty() {
                return Ok(Self { keys });
            }
            rest = rest
                .strip_prefix(',')
                .ok_or_else(|| error(rest, "a comma or the end is expected"))?
                .trim_start();
        }
    }
}

impl Sort {
    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.keys.iter().fold(0, |mut bytes: usize, key| {
            bytes = bytes.saturating_add(size_of_val(key));
            key.source.map(&mut |path: &KeyPath| {
                bytes = bytes.saturating_add(path.held_bytes());
            });
            bytes
        })
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self::parse(None, None, None)
    }
}

/// Returns the short names that KubeCube's guide uses.
fn full_name(name: &str) -> &str {
    match name {
        "" | "name" => DEFAULT_PATH,
        "creationTimestamp" | "CreationTimestamp" => "metadata.creationTimestamp",
        path => path,
    }
}

// === impl Source ===

impl<F> Source<F> {
    /// The same with fields that are found in another way.
    pub(crate) fn map<G>(&self, field: &mut impl FnMut(&F) -> G) -> Source<G> {
        match self {
            Self::Field(name) => Source::Field(field(name)),
            Self::Latest(names) => Source::Latest(names.iter().map(field).collect()),
            Self::Derived(derived) => Source::Derived(Box::new(derived.map(field))),
        }
    }
}

#[cfg(test)]
mod tests;
