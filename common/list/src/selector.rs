//! The `selector` parameter: which items are on the list at all.

use std::collections::BTreeMap;

use crate::fold::Folded;
use crate::path::KeyPath;
use crate::value::Value;

/// Conditions that an item must meet, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) path: KeyPath,
    pub(crate) test: Test,
}

/// What a condition asks of its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// `=`: equal to one of these, ignoring case.
    OneOf(Vec<Folded>),
    /// `~`: contains this, case-sensitive.
    Contains(Box<str>),
}

// === impl Selector ===

impl Selector {
    /// Reads a decoded `selector` value. There is nothing to refuse: a segment
    /// that is no condition is ignored, as KubeCube does.
    pub fn parse(text: &str) -> Self {
        // The same key and operator again replaces the former one.
        let latest: BTreeMap<(&str, char), &str> = text.split(',').filter_map(split).collect();
        let conditions = latest
            .into_iter()
            .map(|((key, operator), value)| Condition {
                path: KeyPath::parse(key),
                test: Test::new(operator, value),
            })
            .collect();
        Self { conditions }
    }

    /// The fields that it asks for.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &KeyPath> {
        self.conditions.iter().map(|condition| &condition.path)
    }

    pub(crate) fn into_conditions(self) -> Vec<Condition> {
        self.conditions
    }
}

/// The first operator splits; without one, or without a key, there is no condition.
fn split(segment: &str) -> Option<((&str, char), &str)> {
    let (key, _) = segment.split_once(['=', '~'])?;
    let mut rest = segment.strip_prefix(key)?.chars();
    let operator = rest.next()?;
    (!key.is_empty()).then_some(((key, operator), rest.as_str()))
}

// === impl Test ===

impl Test {
    fn new(operator: char, value: &str) -> Self {
        match operator {
            '=' => Self::OneOf(value.split('|').map(Folded::new).collect()),
            _ => Self::Contains(value.into()),
        }
    }

    pub(crate) fn passes(&self, value: &Value<'_>) -> bool {
        value.any_text(|text| match self {
            Self::OneOf(alternatives) => alternatives.iter().any(|wanted| wanted.equals(text)),
            Self::Contains(part) => text.contains(&**part),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(text: &str) -> Vec<(String, Test)> {
        Selector::parse(text)
            .into_conditions()
            .into_iter()
            .map(|condition| (condition.path.text().to_owned(), condition.test))
            .collect()
    }

    fn exact(key: &str, values: &[&str]) -> (String, Test) {
        let values = values.iter().map(|value| Folded::new(value)).collect();
        (key.to_owned(), Test::OneOf(values))
    }

    fn fuzzy(key: &str, value: &str) -> (String, Test) {
        (key.to_owned(), Test::Contains(value.into()))
    }

    #[test]
    fn conditions_are_separated_by_commas() {
        assert_eq!(
            conditions("metadata.name~e,metadata.labels.app=web"),
            [
                exact("metadata.labels.app", &["web"]),
                fuzzy("metadata.name", "e")
            ],
        );
        assert_eq!(conditions(",,a=b,"), [exact("a", &["b"])]);
        assert!(conditions("").is_empty());
    }

    #[test]
    fn what_is_no_condition_is_ignored() {
        for text in ["a", "=b", "~b", "=a=b", "~=", "=", ","] {
            assert!(conditions(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_first_operator_splits() {
        assert_eq!(conditions("a=~b"), [exact("a", &["~b"])]);
        assert_eq!(conditions("a~=b"), [fuzzy("a", "=b")]);
        assert_eq!(conditions("a==b"), [exact("a", &["=b"])]);
        assert_eq!(conditions("a!=b"), [exact("a!", &["b"])]);
    }

    #[test]
    fn nothing_is_trimmed() {
        assert_eq!(conditions(" a =  b "), [exact(" a ", &["  b "])]);
    }

    #[test]
    fn the_same_key_and_operator_again_wins() {
        assert_eq!(conditions("a~x,a~y"), [fuzzy("a", "y")]);
        assert_eq!(
            conditions("a=x,a~y,a=z"),
            [exact("a", &["z"]), fuzzy("a", "y")]
        );
    }

    #[test]
    fn a_bar_is_or_in_an_exact_value_only() {
        assert_eq!(conditions("a=x|y"), [exact("a", &["x", "y"])]);
        assert_eq!(conditions("a=x|"), [exact("a", &["x", ""])]);
        assert_eq!(conditions("a~x|y"), [fuzzy("a", "x|y")]);
    }

    #[test]
    fn exact_ignores_case_and_fuzzy_does_not() {
        let text = |text: &'static str| Value::Text(text.into());
        let Some((_, exact)) = conditions("a=Blue").pop() else {
            panic!("no condition")
        };
        assert!(exact.passes(&text("bLUE")));
        assert!(!exact.passes(&text("blue ")));
        let Some((_, fuzzy)) = conditions("a~Blu").pop() else {
            panic!("no condition")
        };
        assert!(fuzzy.passes(&text("a Blue b")));
        assert!(!fuzzy.passes(&text("blue")));
    }
}
