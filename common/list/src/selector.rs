//! Which items are on the list at all, and the lenient `selector` parameter.

use std::collections::BTreeMap;

use crate::bounds;
use crate::condition::Test;
use crate::error::QueryError;
use crate::expression::Expression;
use crate::filter;
use crate::fold::FoldedSet;
use crate::path::KeyPath;

/// Conditions that an item must meet, all of them. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    all: Vec<Expression<KeyPath>>,
}

// === impl Selector ===

impl Selector {
    /// Reads a decoded `selector` value. A segment that is no condition is ignored, as
    /// KubeCube does.
    ///
    /// # Errors
    ///
    /// It is too long, or has too many conditions or values: nothing else can be wrong.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        const PARAMETER: &str = "selector";
        bounds::check_text(PARAMETER, text)?;
        // The same key and operator again replaces the former one.
        let latest: BTreeMap<(&str, char), &str> = text.split(',').filter_map(split).collect();
        bounds::check_conditions(PARAMETER, latest.len())?;
        let all = latest.into_iter().map(|((key, operator), value)| {
            let test = match operator {
                '=' => {
                    bounds::check_values(PARAMETER, value.split('|').count())?;
                    Test::OneOf(FoldedSet::new(value.split('|')))
                }
                _ => Test::Contains(value.into()),
            };
            Ok(Expression::field(KeyPath::parse(key), test))
        });
        let all = all.collect::<Result<_, _>>()?;
        Ok(Self { all })
    }

    /// Reads a decoded `filter` value.
    ///
    /// # Errors
    ///
    /// Says where the text is no filter, and what is expected there.
    pub fn filter(text: &str) -> Result<Self, QueryError> {
        Ok(Self::from(filter::parse(text)?))
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.all.extend(other.all);
        self
    }

    pub(crate) fn expressions(&self) -> &[Expression<KeyPath>] {
        &self.all
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.all.iter().fold(0, |mut bytes: usize, expression| {
            let mut add = |more| bytes = bytes.saturating_add(more);
            add(expression.held_bytes());
            add(expression.test_bytes());
            expression.each_path(&mut |path| add(path.held_bytes()));
            bytes
        })
    }
}

impl From<Expression<KeyPath>> for Selector {
    fn from(expression: Expression<KeyPath>) -> Self {
        let all = match expression {
            Expression::All(all) => all,
            other => vec![other],
        };
        Self { all }
    }
}

/// Returns the first operator splits; without one, or without a key, there is no condition.
fn split(segment: &str) -> Option<((&str, char), &str)> {
    let (key, _) = segment.split_once(['=', '~'])?;
    let mut rest = segment.strip_prefix(key)?.chars();
    let operator = rest.next()?;
    (!key.is_empty()).then_some(((key, operator), rest.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Condition;

    fn conditions(text: &str) -> Vec<(String, Test)> {
        Selector::parse(text)
            .unwrap()
            .expressions()
            .iter()
            .map(|expression| match expression {
                Expression::Field(Condition { field, test }) => {
                    (field.text().to_owned(), Test::clone(test))
                }
                other => panic!("no condition: {other:?}"),
            })
            .collect()
    }

    fn exact(key: &str, values: &[&str]) -> (String, Test) {
        let values = FoldedSet::new(values.iter().copied());
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
    fn there_is_a_bound_on_everything() {
        let problem = |text: String| Selector::parse(&text).map_err(|error| error.problem);
        let conditions = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!("a{n}~b")).collect();
            all.join(",")
        };
        assert!(problem(conditions(64)).is_ok());
        assert_eq!(
            problem(conditions(65)).unwrap_err(),
            "there may be 64 conditions at most"
        );
        // What is replaced is none.
        assert!(problem(vec!["a~b"; 1000].join(",")).is_ok());
        let values = |count: usize| format!("a={}", vec!["b"; count].join("|"));
        assert!(problem(values(256)).is_ok());
        assert_eq!(
            problem(values(257)).unwrap_err(),
            "a condition may have 256 values at most"
        );
        assert!(problem(format!("a~{}", "b".repeat(8190))).is_ok());
        assert_eq!(
            problem(format!("a~{}", "b".repeat(8191))).unwrap_err(),
            "it may have 8192 bytes at most"
        );
    }

    #[test]
    fn a_bar_is_or_in_an_exact_value_only() {
        assert_eq!(conditions("a=x|y"), [exact("a", &["x", "y"])]);
        assert_eq!(conditions("a=x|"), [exact("a", &["x", ""])]);
        assert_eq!(conditions("a~x|y"), [fuzzy("a", "x|y")]);
    }
}
