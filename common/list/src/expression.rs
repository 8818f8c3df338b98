//! Conditions put together.

use std::sync::Arc;

use crate::condition::{Condition, Test};
use crate::derived::Derived;
use crate::path::KeyPath;

/// A tree of conditions; `F` is how a field is named, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression<F> {
    /// All of these; of none, everything.
    All(Vec<Expression<F>>),
    /// One of these; of none, nothing.
    Any(Vec<Expression<F>>),
    Not(Box<Expression<F>>),
    Field(Condition<F>),
    /// What is computed from several fields is exactly this text.
    Derived(Box<Derived<F>>, Box<str>),
}

// === impl Expression ===

impl<F> Expression<F> {
    /// Returns what nothing fulfils.
    pub(crate) fn nothing() -> Self {
        Self::Any(Vec::new())
    }

    pub(crate) fn field(field: F, test: Test) -> Self {
        Self::Field(Condition {
            field,
            test: Arc::new(test),
        })
    }

    /// Returns how many conditions it has.
    pub(crate) fn conditions(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::conditions).sum(),
            Self::Not(part) => part.conditions(),
            Self::Field(_) | Self::Derived(..) => 1,
        }
    }

    /// Returns what does not fulfil this.
    pub(crate) fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The same with fields that are found in another way. The tests are shared.
    pub(crate) fn map<G>(&self, field: &mut impl FnMut(&F) -> G) -> Expression<G> {
        let mut all = |parts: &[Self]| -> Vec<Expression<G>> {
            parts.iter().map(|part| part.map(&mut *field)).collect()
        };
        match self {
            Self::All(parts) => Expression::All(all(parts)),
            Self::Any(parts) => Expression::Any(all(parts)),
            Self::Not(part) => Expression::Not(Box::new(part.map(field))),
            Self::Field(condition) => Expression::Field(Condition {
                field: field(&condition.field),
                test: Arc::clone(&condition.test),
            }),
            Self::Derived(derived, wanted) => {
                Expression::Derived(Box::new(derived.map(field)), wanted.clone())
            }
        }
    }

    /// Returns the memory that it takes beside fields and tests, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let below = match self {
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(Self::held_bytes)
                .fold(0, usize::saturating_add),
            Self::Not(part) => part.held_bytes(),
            Self::Field(_) => 0,
            Self::Derived(_, wanted) => wanted.len().saturating_add(size_of::<Derived<F>>()),
        };
        below.saturating_add(size_of::<Self>())
    }

    /// Returns whether it holds, by what is known of its conditions and derived texts.
    pub(crate) fn holds(
        &self,
        condition: &impl Fn(&Condition<F>) -> bool,
        derived: &impl Fn(&Derived<F>) -> &'static str,
    ) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(condition, derived)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(condition, derived)),
            Self::Not(part) => !part.holds(condition, derived),
            Self::Field(field) => condition(field),
            Self::Derived(fields, wanted) => derived(fields) == &**wanted,
        }
    }
}

impl Expression<KeyPath> {
    /// Shows the path of every field.
    pub(crate) fn each_path(&self, visit: &mut impl FnMut(&KeyPath)) {
        self.map(visit);
    }

    /// Returns the memory that its tests take, in bytes.
    pub(crate) fn test_bytes(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(Self::test_bytes)
                .fold(0, usize::saturating_add),
            Self::Not(part) => part.test_bytes(),
            Self::Field(condition) => condition.test.held_bytes(),
            Self::Derived(..) => 0,
        }
    }

    /// A test of the field with this path, by the lenient rules.
    pub(crate) fn path(path: &str, test: Test) -> Self {
        Self::field(KeyPath::parse(path), test)
    }
}
