//! A list in parts: who is refused anew moves one of them, whatever else is refused.

use super::document::LOWEST;
use super::{RevocationKind, with_head};
use crate::Mark;

/// How many parts each of the two lists is in. An entry that comes brings its part anew, so more
/// would be less to send; but each is a plugin of Envoy's, however little is in it.
pub const REVOCATION_PARTS: u8 = 16;

/// A part of one of the lists: the entries whose marks begin with its number, in four bits. A
/// part has the form of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevocationPart {
    kind: RevocationKind,
    number: u8,
}

// === impl RevocationPart ===

impl RevocationPart {
    /// Returns the parts of both lists.
    pub fn all() -> impl Iterator<Item = Self> {
        RevocationKind::ALL.into_iter().flat_map(Self::of)
    }

    /// Returns the parts of one, in ascending order.
    pub fn of(kind: RevocationKind) -> impl Iterator<Item = Self> {
        (0..REVOCATION_PARTS).map(move |number| Self { kind, number })
    }

    /// Returns the one in which an entry of this mark is.
    pub fn of_mark(kind: RevocationKind, mark: &Mark) -> Self {
        let number = Self::number_of(mark);
        Self { kind, number }
    }

    /// Returns the number of that.
    pub fn number_of(mark: &Mark) -> u8 {
        number_of(&mark.0)
    }

    /// Returns which list it is of.
    pub fn kind(self) -> RevocationKind {
        self.kind
    }

    /// Returns its place among the parts of its list, below [`REVOCATION_PARTS`].
    pub fn number(self) -> u8 {
        self.number
    }

    /// Returns the name of the filter that carries it, and its `root_id`.
    pub fn filter_name(self) -> String {
        format!("{}-{:02}", self.kind.filter_name(), self.number)
    }

    /// Returns the one that the filter of this name carries.
    pub fn of_filter(name: &str) -> Option<Self> {
        let number = |kind: RevocationKind| {
            let rest = name.strip_prefix(kind.filter_name())?.strip_prefix('-')?;
            let number = rest
                .parse()
                .ok()
                .filter(|number| *number < REVOCATION_PARTS)?;
            Some(Self { kind, number })
        };
        let found = RevocationKind::ALL.into_iter().find_map(number);
        found.filter(|found| found.filter_name() == name)
    }
}

/// Divides the tables of a list, which are in order.
pub(super) fn divide(
    kind: RevocationKind,
    mut first: &[u8],
    mut second: &[u8],
) -> Vec<(RevocationPart, Vec<u8>)> {
    let mut parts = Vec::with_capacity(usize::from(REVOCATION_PARTS));
    for part in RevocationPart::of(kind) {
        let (own, rest) = begin(first, LOWEST, part.number);
        first = rest;
        let (own_second, rest) = begin(second, kind.second_entry(), part.number);
        second = rest;
        parts.push((part, with_head(kind, own, own_second)));
    }
    parts
}

/// Splits the entries off, each of `size` bytes, that are in parts up to this one.
fn begin(table: &[u8], size: usize, number: u8) -> (&[u8], &[u8]) {
    let mut entries = table.chunks_exact(size);
    let end = entries.position(|entry| number_of(entry) > number);
    let end = end.map_or(table.len(), |entries| entries.saturating_mul(size));
    table.split_at_checked(end).unwrap_or((table, &[]))
}

/// The number of the part that an entry is in, which begins with its mark.
fn number_of(entry: &[u8]) -> u8 {
    entry.first().map_or(0, |byte| byte >> 4)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Epochs, RevocationDocument, Sessions};
    use super::*;

    #[test]
    fn each_entry_is_in_the_part_of_its_mark_and_in_no_other() {
        let (mut epochs, mut sessions) = (Epochs::default(), Sessions::default());
        let names: Vec<String> = (0..300).map(|number| format!("name-{number}")).collect();
        for name in &names {
            epochs.raise_user(name, 2);
            epochs.raise_key(name, 3);
            sessions.raise_session(name, 2, 100);
            sessions.add_token(name, 100);
        }
        let (of_sessions, left_out) = sessions.to_parts(usize::MAX);
        assert_eq!(left_out, 0);
        let parts = [epochs.to_parts(), of_sessions].concat();
        let expected: Vec<_> = RevocationPart::all().collect();
        let found: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        assert_eq!(found, expected);
        let mut used = BTreeSet::new();
        for (part, document) in parts {
            let document = RevocationDocument::parse(document).unwrap();
            for name in &names {
                let mark = Mark::of(name);
                let is_in = RevocationPart::of_mark(part.kind(), &mark) == part;
                let refused = match &document {
                    RevocationDocument::Epochs(document) => [
                        document.refuses_user(&mark, 1),
                        document.refuses_key(&mark, 2),
                    ],
                    RevocationDocument::Sessions(document) => [
                        document.refuses_session(&mark, 1),
                        document.refuses_token(&mark),
                    ],
                };
                assert_eq!(refused, [is_in; 2], "{name} {part:?}");
                used.extend(is_in.then_some(part));
            }
        }
        assert_eq!(used.len(), expected.len());
    }

    #[test]
    fn one_more_entry_moves_one_part() {
        let mut epochs = Epochs::default();
        for number in 0..100 {
            epochs.raise_key(&format!("key-{number}"), 1);
        }
        let before = epochs.to_parts();
        epochs.raise_key("another", 1);
        let moved: Vec<_> = epochs
            .to_parts()
            .into_iter()
            .filter(|part| !before.contains(part))
            .map(|(part, _)| part)
            .collect();
        let of_it = RevocationPart::of_mark(RevocationKind::Epochs, &Mark::of("another"));
        assert_eq!(moved, [of_it]);
    }

    #[test]
    fn a_filters_name_says_which_part_it_brings() {
        let names: BTreeSet<_> = RevocationPart::all()
            .map(RevocationPart::filter_name)
            .collect();
        assert_eq!(names.len(), 2 * usize::from(REVOCATION_PARTS));
        for part in RevocationPart::all() {
            assert_eq!(RevocationPart::of_filter(&part.filter_name()), Some(part));
        }
        for other in [
            "cubegate-epochs",
            "cubegate-epochs-16",
            "cubegate-epochs-3",
            "x",
        ] {
            assert_eq!(RevocationPart::of_filter(other), None, "{other}");
        }
    }
}
