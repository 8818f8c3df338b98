//! What a query asks of one field.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::fold::FoldedSet;
use crate::typed::{Typed, ValueType};
use crate::value::Value;
use crate::work::{STEP, TEST, Work};

/// A test of a field; `F` is how the field is named, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition<F> {
    pub(crate) field: F,
    pub(crate) test: Arc<Test>,
}

/// What a condition asks of its field. Of an array one scalar element has to
/// pass, and an object never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Equal to one of these, ignoring case; what is missing counts as empty.
    OneOf(FoldedSet),
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
    /// Is of this type and equals one of these values, which are in their order.
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
        texts.dedup();
        Self::In(texts)
    }

    /// One of these values, which are of this type.
    pub(crate) fn equals(kind: ValueType, mut values: Vec<Typed<'static>>) -> Self {
        values.sort_by(|left, right| left.order(right));
        values.dedup_by(|left, right| left.order(right) == Ordering::Equal);
        Self::Equals { kind, values }
    }

    /// Exactly this text, for which `""` also stands what is missing.
    pub(crate) fn is(text: &str) -> Self {
        Self::Is {
            text: text.into(),
            or_missing: text.is_empty(),
        }
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let texts = match self {
            Self::OneOf(texts) => texts.held_bytes(),
            Self::Contains(text) | Self::Holds(text) | Self::Is { text, .. } => text.len(),
            Self::In(texts) => texts.iter().fold(0, |bytes: usize, text| {
                bytes
                    .saturating_add(size_of_val(text))
                    .saturating_add(text.len())
            }),
            Self::Equals { values, .. } => values.iter().fold(0, |bytes: usize, value| {
                bytes
                    .saturating_add(size_of_val(value))
                    .saturating_add(value.text_bytes())
            }),
            Self::Compares { value, .. } => value.text_bytes(),
            Self::Exists | Self::Integer { .. } => 0,
        };
        texts.saturating_add(size_of::<Self>())
    }

    /// A text is looked at once, however many there are to compare with.
    pub(crate) fn passes(&self, value: Value<'_>, work: &Work) -> bool {
        let any_text = |value: &Value<'_>, test: &dyn Fn(&str) -> bool| {
            value.any_text(work, |text| {
                work.charge((text.len() / 2).saturating_add(STEP));
                test(text)
            })
        };
        let any_scalar = |value: Value<'_>, test: &dyn Fn(Value<'_>) -> bool| {
            value.any_scalar(work, |scalar| {
                work.charge((scalar.text_bytes() / 2).saturating_add(STEP));
                test(scalar)
            })
        };
        match self {
            Self::OneOf(alternatives) => any_text(&value, &|text| alternatives.holds(text)),
            Self::Contains(part) => any_text(&value, &|text| text.contains(&**part)),
            Self::Is { text, or_missing } => match value {
                Value::Missing => *or_missing,
                _ => any_text(&value, &|found| *found == **text),
            },
            Self::Exists => value != Value::Missing,
            Self::In(texts) => any_scalar(value, &|scalar| {
                let found = scalar.into_text();
                texts.binary_search_by(|text| (**text).cmp(&found)).is_ok()
            }),
            Self::Holds(part) => any_scalar(value, &|scalar| scalar.into_text().contains(&**part)),
            Self::Equals { kind, values } => any_scalar(value, &|scalar| {
                charge_typed(&scalar, work);
                kind.read(scalar).is_some_and(|found| {
                    let place = values.binary_search_by(|value| value.order(&found));
                    place.is_ok()
                })
            }),
            Self::Compares {
                kind,
                comparison,
                value: bound,
            } => any_scalar(value, &|scalar| {
                charge_typed(&scalar, work);
                kind.read(scalar)
                    .is_some_and(|found| comparison.holds(found.order(bound)))
            }),
            Self::Integer { comparison, bound } => any_scalar(value, &|scalar| {
                let found = scalar.into_text().parse::<i64>();
                found.is_ok_and(|found| comparison.holds(found.cmp(bound)))
            }),
        }
    }
}

/// A text is read as a type: every character is looked at by more than one reader.
pub(crate) fn charge_typed(value: &Value<'_>, work: &Work) {
    work.charge(value.text_bytes().saturating_mul(4).saturating_add(TEST));
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

    fn read(raw: &'static str) -> Value<'static> {
        Value::read(raw.as_bytes())
    }

    fn passes(test: &Test, value: Value<'_>) -> bool {
        test.passes(value, &Work::unlimited())
    }

    #[test]
    fn the_old_tests_take_what_is_missing_for_empty() {
        let exact = Test::OneOf(FoldedSet::new(["Blue", ""]));
        assert!(passes(&exact, text("bLUE")));
        assert!(!passes(&exact, text("blue ")));
        assert!(passes(&exact, Value::Missing));
        let fuzzy = Test::Contains("Blu".into());
        assert!(passes(&fuzzy, text("a Blue b")));
        assert!(!passes(&fuzzy, text("blue")));
        assert!(passes(&Test::Contains("".into()), Value::Missing));
    }

    #[test]
    fn the_new_tests_fail_on_what_is_missing() {
        for test in [
            Test::one_of([""]),
            Test::Holds("".into()),
            Test::Exists,
            Test::equals(
                ValueType::String,
                ValueType::String.parse("").into_iter().collect(),
            ),
            Test::Compares {
                kind: ValueType::Number,
                comparison: Comparison::AtLeast,
                value: ValueType::Number.parse("-1").unwrap(),
            },
        ] {
            assert!(!passes(&test, Value::Missing), "{test:?}");
            assert!(!passes(&test, read("null")), "{test:?}");
        }
        assert!(passes(&Test::Exists, read("{}")));
        assert!(passes(&Test::Exists, read("[]")));
    }

    #[test]
    fn one_scalar_of_an_array_is_enough() {
        let in_it = Test::one_of(["b", "5"]);
        assert!(passes(&in_it, read(r#"["a","b"]"#)));
        assert!(passes(&in_it, read("[1,5]")));
        assert!(!passes(&in_it, read(r#"["a",["b"],{"b":"b"},null]"#)));
        assert!(!passes(&in_it, read("{}")));
    }

    #[test]
    fn values_of_another_type_compare_with_nothing() {
        let more = |raw: &'static str| {
            let test = Test::Compares {
                kind: ValueType::Quantity,
                comparison: Comparison::Greater,
                value: ValueType::Quantity.parse("500m").unwrap(),
            };
            passes(&test, read(raw))
        };
        assert!(more("1"));
        assert!(more(r#""1Gi""#));
        assert!(!more(r#""500m""#));
        assert!(!more(r#""many""#));
        assert!(!more("true"));
    }
}
