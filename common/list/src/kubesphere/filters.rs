//! The keys that filter a list, each a condition of its own.

use super::label_selector::{self, Missing};
use super::service::{self, Service};
use crate::bounds::{MAX_CONDITIONS, check_values};
use crate::condition::Test;
use crate::derived::Derived;
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

/// The condition that a pair makes; `None` if its name is no filter of the resource.
pub(super) fn filter(
    resource: &str,
    name: &str,
    value: &str,
    services: &[Service],
) -> Result<Option<Expression<KeyPath>>, QueryError> {
    let is = |path: &str| Some(Expression::path(path, Test::is(value)));
    let is_one = |path: &str| Some(Expression::path(path, Test::one_of([value])));
    let is_phase = |parameter| {
        check_values(parameter, value.split('|').count())?;
        let phases = FoldedSet::new(value.split('|'));
        Ok(Some(Expression::path("status.phase", Test::OneOf(phases))))
    };
    Ok(match (name, resource) {
        ("name", _) => {
            let part = Test::Contains(value.into());
            Some(Expression::path("metadata.name", part))
        }
        ("names", _) => Some(names(value)?),
        ("uid", _) => is("metadata.uid"),
        ("namespace", _) => is("metadata.namespace"),
        ("ownerReference", _) => is_one("metadata.ownerReferences[].uid"),
        ("ownerKind", _) => is_one("metadata.ownerReferences[].kind"),
        ("label", _) => Some(one_selector(value, "metadata.labels")),
        ("annotation", _) => Some(one_selector(value, "metadata.annotations")),
        ("nodeName", "pods") => is("spec.nodeName"),
        ("pvcName", "pods") => is_one("spec.volumes[].persistentVolumeClaim.claimName"),
        ("serviceName", "pods") => Some(service::pods_of(services)),
        ("phase", "pods") => is("status.phase"),
        ("podIP", "pods") => is("status.podIP"),
        ("phase", "persistentvolumeclaims") => is_phase("phase")?,
        ("status", "persistentvolumeclaims") => is_phase("status")?,
        ("storageClassName", "persistentvolumeclaims") => is_one("spec.storageClassName"),
        ("status", "namespaces") => is("status.phase"),
        ("email", "users") => is("spec.email"),
        ("ingroup", "users") => is_one("spec.groups[]"),
        ("notingroup", "users") => is_one("spec.groups[]").map(Expression::not),
        ("status", resource) => {
            Derived::status(resource).map(|status| Expression::Derived(status, value.into()))
        }
        _ => None,
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

/// `path=value`, `path==value` and `path!=value` between commas, as the
/// Kubernetes API has them, for any field. `\` shields a comma, a `=` or itself.
pub(super) fn field_selector(text: &str) -> Result<Expression<KeyPath>, QueryError> {
    const PARAMETER: &str = "fieldSelector";
    let mut conditions = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if conditions.len() >= MAX_CONDITIONS {
            return Err(QueryError::at(
                PARAMETER,
                text,
                rest,
                "there may be 64 conditions at most",
            ));
        }
        let (term, tail) = term(rest);
        let error = |problem: &str| QueryError::at(PARAMETER, text, rest, problem);
        if !term.is_empty() {
            let (path, wanted, equal) = split(term)
                .ok_or_else(|| error("a field with =, == or != and a value is expected"))?;
            let path = path.trim();
            let key = KeyPath::read(path).map_err(|problem| error(problem.problem))?;
            let wanted =
                unescape(wanted).ok_or_else(|| error("a \\ shields only a comma, = and \\"))?;
            let zero = ZERO_VALUES.iter().find(|(known, _)| *known == path);
            let zero = zero.map_or("", |(_, zero)| *zero);
            let test = Test::Is {
                or_missing: wanted == zero,
                text: wanted.into(),
            };
            let condition = Expression::field(key, test);
            conditions.push(if equal { condition } else { condition.not() });
        }
        rest = tail;
    }
    Ok(Expression::All(conditions))
}

/// Up to the next comma that is not shielded, and what follows that.
fn term(text: &str) -> (&str, &str) {
    let mut shielded = false;
    for (at, character) in text.char_indices() {
        if character == ',' && !shielded {
            let (term, tail) = text.split_at_checked(at).unwrap_or((text, ""));
            return (term, tail.strip_prefix(',').unwrap_or(tail));
        }
        shielded = character == '\\' && !shielded;
    }
    (text, "")
}

/// Path, value, and whether they are to be equal.
fn split(term: &str) -> Option<(&str, &str, bool)> {
    let (path, value) = term.split_once('=')?;
    match path.strip_suffix('!') {
        Some(path) => Some((path, value, false)),
        None => Some((path, value.strip_prefix('=').unwrap_or(value), true)),
    }
}

fn unescape(value: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => characters.next().filter(|next| ",=\\".contains(*next))?,
            ',' | '=' => return None,
            other => other,
        });
    }
    Some(text)
}
