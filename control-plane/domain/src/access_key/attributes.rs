//! What the owner of a key says about it, and the rules for that.

use std::fmt;

use cubegate_token::{KeyLimits, KeyScope};
use thiserror::Error;
use time::OffsetDateTime;

use crate::ClusterName;

/// Longest name of a key.
pub const MAX_KEY_NAME_BYTES: usize = 64;

/// Longest description of a key.
pub const MAX_KEY_DESCRIPTION_BYTES: usize = 512;

/// Longest scope, all names in it together. It travels in every token, and a token
/// in every request, where HTTP servers bound the headers.
pub const MAX_SCOPE_BYTES: usize = 2_048;

/// Longest name of a namespace (RFC 1123 label).
const MAX_NAMESPACE_BYTES: usize = 63;

/// What the owner of a key says about it. A new key without any of it is what
/// KubeCube's keys are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyAttributes {
    /// What it is called; empty when it has no name.
    pub name: String,
    /// What it is for; empty when nobody has said.
    pub description: String,
    /// From then on it gives no token, and none of its tokens is good; `None` never.
    pub expires_at: Option<OffsetDateTime>,
    /// What its tokens may be used for.
    pub scope: KeyScope,
    /// How much may be asked with them. Not its owner's to say: whoever runs the gateway
    /// gives them.
    pub limits: KeyLimits,
}

/// What is to be changed of a key; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// See [`KeyAttributes`].
    pub name: Option<String>,
    /// See [`KeyAttributes`].
    pub description: Option<String>,
    /// See [`KeyAttributes`]; `Some(None)` takes the expiry away.
    pub expires_at: Option<Option<OffsetDateTime>>,
    /// See [`KeyAttributes`]; an empty one takes the bounds away.
    pub scope: Option<KeyScope>,
    /// See [`KeyAttributes`]; an empty one gives the key those that all have.
    pub limits: Option<KeyLimits>,
}

/// Why attributes are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyAttributesError {
    /// See [`MAX_KEY_NAME_BYTES`].
    #[error(
        "The name of a key must have at most {MAX_KEY_NAME_BYTES} bytes and no control characters."
    )]
    Name,
    /// See [`MAX_KEY_DESCRIPTION_BYTES`].
    #[error(
        "The description of a key must have at most {MAX_KEY_DESCRIPTION_BYTES} bytes and no control characters."
    )]
    Description,
    /// The expiry has passed already.
    #[error("A key must expire in the future; leave the time out for one that does not.")]
    Expired,
    /// See [`MAX_SCOPE_BYTES`].
    #[error(
        "The names in the scope of a key must have at most {MAX_SCOPE_BYTES} bytes together; name fewer, or make several keys."
    )]
    ScopeTooLong,
    /// No cluster can be called so.
    #[error("{0:?} in the scope is no name of a cluster.")]
    Cluster(String),
    /// No namespace can be called so.
    #[error("{0:?} in the scope is no name of a namespace.")]
    Namespace(String),
    /// No such verb.
    #[error("{0:?} in the scope is none of the verbs {list}.", list = Verbs)]
    Verb(String),
}

/// [`KeyScope::VERBS`] in a sentence.
struct Verbs;

// === impl KeyAttributes ===

impl KeyAttributes {
    /// These attributes with the scope in order, if they keep to the rules.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn checked(self, now: OffsetDateTime) -> Result<Self, KeyAttributesError> {
        Ok(Self {
            name: checked_name(self.name)?,
            description: checked_description(self.description)?,
            expires_at: checked_expiry(self.expires_at, now)?,
            scope: checked_scope(self.scope)?,
            limits: self.limits,
        })
    }
}

// === impl KeyChange ===

impl KeyChange {
    /// This change with the scope in order, if it keeps to the rules.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn checked(self, now: OffsetDateTime) -> Result<Self, KeyAttributesError> {
        Ok(Self {
            name: self.name.map(checked_name).transpose()?,
            description: self.description.map(checked_description).transpose()?,
            expires_at: self
                .expires_at
                .map(|end| checked_expiry(end, now))
                .transpose()?,
            scope: self.scope.map(checked_scope).transpose()?,
            limits: self.limits,
        })
    }

    /// Returns whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

// === impl Verbs ===

impl fmt::Display for Verbs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&KeyScope::VERBS.join(", "))
    }
}

fn is_text(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.chars().any(char::is_control)
}

fn checked_name(name: String) -> Result<String, KeyAttributesError> {
    if is_text(&name, MAX_KEY_NAME_BYTES) {
        Ok(name)
    } else {
        Err(KeyAttributesError::Name)
    }
}

fn checked_description(text: String) -> Result<String, KeyAttributesError> {
    if is_text(&text, MAX_KEY_DESCRIPTION_BYTES) {
        Ok(text)
    } else {
        Err(KeyAttributesError::Description)
    }
}

fn checked_expiry(
    end: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, KeyAttributesError> {
    match end {
        Some(end) if end <= now => Err(KeyAttributesError::Expired),
        end => Ok(end),
    }
}

/// Each list sorted and without doubles. The length comes first: a sentence repeats
/// the name that is wrong.
fn checked_scope(scope: KeyScope) -> Result<KeyScope, KeyAttributesError> {
    let KeyScope {
        mut clusters,
        mut namespaces,
        mut verbs,
    } = scope;
    for names in [&mut clusters, &mut namespaces, &mut verbs] {
        names.sort_unstable();
        names.dedup();
    }
    let names = clusters.iter().chain(&namespaces).chain(&verbs);
    // Quotes and comma are in the token, too.
    let bytes = names.fold(0_usize, |sum, name| {
        sum.saturating_add(name.len()).saturating_add(3)
    });
    if bytes > MAX_SCOPE_BYTES {
        return Err(KeyAttributesError::ScopeTooLong);
    }
    if let Some(name) = clusters
        .iter()
        .find(|name| name.parse::<ClusterName>().is_err())
    {
        return Err(KeyAttributesError::Cluster(name.clone()));
    }
    if let Some(name) = namespaces.iter().find(|name| !is_namespace(name)) {
        return Err(KeyAttributesError::Namespace(name.clone()));
    }
    if let Some(verb) = verbs
        .iter()
        .find(|verb| !KeyScope::VERBS.contains(&verb.as_str()))
    {
        return Err(KeyAttributesError::Verb(verb.clone()));
    }
    Ok(KeyScope {
        clusters,
        namespaces,
        verbs,
    })
}

fn is_namespace(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAMESPACE_BYTES).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn scope(clusters: &[&str], namespaces: &[&str], verbs: &[&str]) -> KeyScope {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        KeyScope {
            clusters: owned(clusters),
            namespaces: owned(namespaces),
            verbs: owned(verbs),
        }
    }

    fn check(attributes: KeyAttributes) -> Result<KeyAttributes, KeyAttributesError> {
        attributes.checked(at(100))
    }

    #[test]
    fn a_key_without_attributes_is_as_kubecubes_are() {
        let plain = KeyAttributes::default();
        assert_eq!(check(plain.clone()), Ok(plain.clone()));
        assert!(plain.scope.is_unbounded());
    }

    #[test]
    fn a_scope_is_put_in_order() {
        let attributes = KeyAttributes {
            scope: scope(&["b", "a", "b"], &["x"], &["list", "get"]),
            ..KeyAttributes::default()
        };
        assert_eq!(
            check(attributes).unwrap().scope,
            scope(&["a", "b"], &["x"], &["get", "list"])
        );
    }

    #[test]
    fn texts_have_a_length_and_no_control_characters() {
        let named = |name: String| {
            check(KeyAttributes {
                name,
                ..KeyAttributes::default()
            })
        };
        assert!(named("é".repeat(32)).is_ok());
        assert_eq!(named("é".repeat(33)), Err(KeyAttributesError::Name));
        assert_eq!(named("a\nb".to_owned()), Err(KeyAttributesError::Name));
        let described = |description: String| {
            check(KeyAttributes {
                description,
                ..KeyAttributes::default()
            })
        };
        assert!(described("x".repeat(512)).is_ok());
        assert_eq!(
            described("x".repeat(513)),
            Err(KeyAttributesError::Description)
        );
    }

    #[test]
    fn a_key_expires_in_the_future() {
        let ending = |end| {
            check(KeyAttributes {
                expires_at: Some(at(end)),
                ..KeyAttributes::default()
            })
        };
        assert!(ending(101).is_ok());
        assert_eq!(ending(100), Err(KeyAttributesError::Expired));
        let change = KeyChange {
            expires_at: Some(None),
            ..KeyChange::default()
        };
        assert_eq!(change.clone().checked(at(100)), Ok(change));
    }

    #[test]
    fn a_name_in_a_scope_is_one_that_can_be() {
        let scoped = |scope| {
            let change = KeyChange {
                scope: Some(scope),
                ..KeyChange::default()
            };
            change.checked(at(100)).unwrap_err().to_string()
        };
        assert_eq!(
            scoped(scope(&["A"], &[], &[])),
            r#""A" in the scope is no name of a cluster."#
        );
        for name in ["", "a.b", "-a", "a-", "kube_system", &"x".repeat(64)] {
            assert_eq!(
                scoped(scope(&[], &[name], &[])),
                format!("{name:?} in the scope is no name of a namespace.")
            );
        }
        assert_eq!(
            scoped(scope(&[], &[], &["get", "post"])),
            r#""post" in the scope is none of the verbs get, list, watch, create, update, patch, delete, deletecollection."#
        );
    }

    #[test]
    fn a_scope_fits_into_a_token() {
        let names: Vec<String> = (0..40).map(|n| format!("{n:0>60}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let sized = |count: usize| {
            check(KeyAttributes {
                scope: scope(&[], &names[..count], &[]),
                ..KeyAttributes::default()
            })
        };
        assert!(sized(32).is_ok());
        assert_eq!(sized(33), Err(KeyAttributesError::ScopeTooLong));
    }
}
