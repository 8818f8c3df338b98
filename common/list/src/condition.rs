//! What a query asks of one field.

use std::cmp::Ordering;

use crate::fold::Folded;
use crate::typed::{Typed, ValueType};
use crate::value::Value;

/// A test of a field; `F` is how the field is named, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition<F> {
    pub(crate) field: F,
    pub(crate) test: Test,
}

/// What a condition asks of its field. Of an array one scalar element has to
/// pass, and an object never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Equal to one of these, ignoring case; what is missing counts as empty.
    OneOf(Vec<Folded>),
    /// Contains this, case-sensitive; what is missing counts as empty.
    Contains(Box<str>),
    /// Is exactly this, where what is missing may count as it.
    Is { text: Box<str>, or_missing: bool },
    /// Is there and not `null`, whatever it is.
    Exists,
    /// Is there and exactly one of these texts, which are sorted.
    In(Vec<Box<str>>),
    /// Is there and contains this text.
    Holds(Box<str>),
    /// Is of this type and equals one of these values.
    Equals {
        kind: ValueType,
        values: Vec<Typed<'static>>,
    },
    /// Is of this type and stands to this value as asked.
    Compares {
        kind: ValueType,
        comparison: Comparison,
        value: Typed<'static>,
    },
    /// Is a 64-bit integer in a text and on this side of the bound, as
    /// Kubernetes compares labels.
    Integer { comparison: Comparison, bound: i64 },
}

/// How a value stands to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

// === impl Test ===

impl Test {
    /// Exactly one of these texts.
    pub(crate) fn one_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut texts: Vec<Box<str>> = texts.into_iter().map(Box::from).collect();
        texts.sort();
        Self::In(texts)
    }

    /// Exactly this text, for which `""` also stands what is missing.
    pub(crate) fn is(text: &str) -> Self {
        Self::Is {
            text: text.into(),
            or_missing: text.is_empty(),
        }
    }

    pub(crate) fn passes(&self, value: Value<'_>) -> bool {
        match self {
            Self::OneOf(alternatives) => {
                value.any_text(|text| alternatives.iter().any(|wanted| wanted.equals(text)))
            }
            Self::Contains(part) => value.any_text(|text| text.contains(&**part)),
            Self::Is { text, or_missing } => match value {
                Value::Missing => *or_missing,
                value => value.any_text(|found| found == &**text),
            },
            Self::Exists => value != Value::Missing,
            Self::In(texts) => value.any_scalar(|scalar| {
                let found = scalar.into_text();
                texts.binary_search_by(|text| (**text).cmp(&found)).is_ok()
            }),
            Self::Holds(part) => value.any_scalar(|scalar| scalar.into_text().contains(&**part)),
            Self::Equals { kind, values } => value.any_scalar(|scalar| {
                kind.read(scalar).is_some_and(|found| {
                    values
                        .iter()
                        .any(|value| found.order(value) == Ordering::Equal)
                })
            }),
            Self::Compares {
                kind,
                comparison,
                value: bound,
            } => value.any_scalar(|scalar| {
                kind.read(scalar)
                    .is_some_and(|found| comparison.holds(found.order(bound)))
            }),
            Self::Integer { comparison, bound } => value.any_scalar(|scalar| {
                let found = scalar.into_text().parse::<i64>();
                found.is_ok_and(|found| comparison.holds(found.cmp(bound)))
            }),
        }
    }
}

// === impl Comparison ===

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Value<'static> {
        Value::Text(text.into())
    }

    #[test]
    fn the_old_tests_take_what_is_missing_for_empty() {
        let exact = Test::OneOf(vec![Folded::new("Blue"), Folded::new("")]);
        assert!(exact.passes(text("bLUE")));
        assert!(!exact.passes(text("blue ")));
        assert!(exact.passes(Value::Missing));
        let fuzzy = Test::Contains("Blu".into());
        assert!(fuzzy.passes(text("a Blue b")));
        assert!(!fuzzy.passes(text("blue")));
        assert!(Test::Contains("".into()).passes(Value::Missing));
    }

    #[test]
    fn the_new_tests_fail_on_what_is_missing() {
        for test in [
            Test::one_of([""]),
            Test::Holds("".into()),
            Test::Exists,
            Test::Equals {
                kind: ValueType::String,
                values: ValueType::String.parse("").into_iter().collect(),
            },
            Test::Compares {
                kind: ValueType::Number,
                comparison: Comparison::AtLeast,
                value: ValueType::Number.parse("-1").unwrap(),
            },
        ] {
            assert!(!test.passes(Value::Missing), "{test:?}");
            assert!(!test.passes(Value::read("null")), "{test:?}");
        }
        assert!(Test::Exists.passes(Value::read("{}")));
        assert!(Test::Exists.passes(Value::read("[]")));
    }

    #[test]
    fn one_scalar_of_an_array_is_enough() {
        let in_it = Test::one_of(["b", "5"]);
        assert!(in_it.passes(Value::read(r#"["a","b"]"#)));
        assert!(in_it.passes(Value::read("[1,5]")));
        assert!(!in_it.passes(Value::read(r#"["a",["b"],{"b":"b"},null]"#)));
        assert!(!in_it.passes(Value::read("{}")));
    }

    #[test]
    fn values_of_another_type_compare_with_nothing() {
        let more = |raw: &'static str| {
            let test = Test::Compares {
                kind: ValueType::Quantity,
                comparison: Comparison::Greater,
                value: ValueType::Quantity.parse("500m").unwrap(),
            };
            test.passes(Value::read(raw))
        };
        assert!(more("1"));
        assert!(more(r#""1Gi""#));
        assert!(!more(r#""500m""#));
        assert!(!more(r#""many""#));
        assert!(!more("true"));
    }
}
