//! The keys that filter a list, each a condition of its own.

use cubegate_kube::field_selector::{Requirement, terms};

use super::kinds::Filter;
use super::label_selector::{self, Missing};
use super::service::{self, Service};
use crate::bounds::{MAX_CONDITIONS, check_values};
use crate::condition::Test;
use crate::error::QueryError;
use crate::expression::Expression;
use crate::fold::FoldedSet;
use crate::path::KeyPath;

/// What `names` may list.
const MAX_NAMES: usize = 1024;

/// Selectable fields that are no texts: what Kubernetes takes a missing one for.
const ZERO_VALUES: [(&str, &str); 5] = [
    ("spec.unschedulable", "false"),
    ("spec.hostNetwork", "false"),
    ("status.replicas", "0"),
    ("status.successful", "0"),
    ("status.readyReplicas", "0"),
];

/// Returns the condition that a filter makes of a value.
pub(super) fn condition(
    parameter: &'static str,
    filter: Filter,
    value: &str,
    services: &[Service],
) -> Result<Expression<KeyPath>, QueryError> {
    Ok(match filter {
        Filter::Is(path) => Expression::path(path, Test::is(value)),
        Filter::Holds(paths) => Expression::Any(
            paths
                .iter()
                .map(|path| Expression::path(path, Test::Holds(value.into())))
                .collect(),
        ),
        Filter::Has(path) => Expression::path(path, Test::one_of([value])),
        Filter::HasNot(path) => Expression::path(path, Test::one_of([value])).not(),
        Filter::IsOneOf(path) => {
            check_values(parameter, value.split('|').count())?;
            Expression::path(path, Test::OneOf(FoldedSet::new(value.split('|'))))
        }
        Filter::Names => names(value)?,
        Filter::Selector(map) => one_selector(value, map),
        Filter::Status(status) => Expression::Derived(Box::new(status.paths()), value.into()),
        Filter::PodOfService => service::pods_of(services),
    })
}

/// One of the names in a comma list, which are not trimmed; an empty list has none.
fn names(list: &str) -> Result<Expression<KeyPath>, QueryError> {
    if list.split(',').count() > MAX_NAMES {
        return Err(QueryError::whole("names", "it may list 1024 names at most"));
    }
    Ok(Expression::path(
        "metadata.name",
        Test::one_of(list.split(',')),
    ))
}

/// `label` and `annotation`: a label selector, or else what v3.0 read: `k=v`,
/// `k!=v`, `k` or `k=*`, with any text for key and value. So what is no label
/// selector matches no labels, and annotations can be asked for any text. In
/// either form `!=` wants the key to be there.
fn one_selector(text: &str, map: &str) -> Expression<KeyPath> {
    if text.is_empty() {
        return Expression::nothing();
    }
    if let Ok(selector) = label_selector::parse(text, map, Missing::Fails) {
        return selector;
    }
    let of = |key: &str, test| Expression::path(&format!("{map}.{key}"), test);
    match text.split_once('=') {
        None => of(text, Test::Exists),
        Some((key, value)) => match key.strip_suffix('!') {
            Some(key) => Expression::All(vec![
                of(key, Test::Exists),
                of(key, Test::one_of([value])).not(),
            ]),
            None if value == "*" => of(key, Test::Exists),
            None => of(key, Test::one_of([value])),
        },
    }
}

/// A field selector as the Kubernetes API has it, for any field.
pub(super) fn field_selector(text: &str) -> Result<Expression<KeyPath>, QueryError> {
    let mut conditions = Vec::new();
    for (term, rest) in terms(text) {
        let error = |problem: String| QueryError::at("fieldSelector", text, rest, problem);
        if conditions.len() >= MAX_CONDITIONS {
            return Err(error("there may be 64 conditions at most".to_owned()));
        }
        let Requirement {
            field,
            value,
            is_equal,
        } = Requirement::parse(term).map_err(|problem| error(problem.to_string()))?;
        let path = field.trim();
        let key = KeyPath::read(path).map_err(|problem| error(problem.problem.to_owned()))?;
        let zero = ZERO_VALUES.iter().find(|(known, _)| *known == path);
        let zero = zero.map_or("", |(_, zero)| *zero);
        let test = Test::Is {
            or_missing: value == zero,
            text: value.into(),
        };
        let condition = Expression::field(key, test);
        conditions.push(if is_equal { condition } else { condition.not() });
    }
    Ok(Expression::All(conditions))
}
