//! The types of the query language: how the text of a value becomes something
//! that compares.

mod duration;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use cubegate_kube::quantity::Decimal;
use semver::{BuildMetadata, Version};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::value::Value;

/// As what a value is compared or sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// By the bytes of the text; numbers and booleans by their JSON text.
    String,
    /// By value: JSON numbers, and numbers in strings.
    Number,
    /// A Kubernetes quantity such as `500m`, `1Gi` or `1e3`, by value.
    Quantity,
    /// An instant in RFC 3339.
    Time,
    /// A duration as Go or kubectl writes it, such as `1h30m` or `7d4h`.
    Duration,
    /// An IPv4 or IPv6 address, by its bits.
    Ip,
    /// A version, by the precedence of semver.org; a leading `v` is allowed.
    Semver,
}

/// A value as its type. Values of two types never meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed<'a> {
    Text(Cow<'a, str>),
    Decimal(Decimal),
    /// Nanoseconds, since 1970 or for itself.
    Nanoseconds(i128),
    Address(IpAddr),
    Version(Version),
}

// === impl ValueType ===

impl ValueType {
    /// All types, by the names that they have in queries.
    const NAMES: [(&'static str, Self); 7] = [
        ("string", Self::String),
        ("number", Self::Number),
        ("quantity", Self::Quantity),
        ("time", Self::Time),
        ("duration", Self::Duration),
        ("ip", Self::Ip),
        ("semver", Self::Semver),
    ];

    /// In which order a literal without a type is tried. A plain number is a
    /// quantity; what is none of these is a string.
    const INFERRED: [Self; 5] = [
        Self::Quantity,
        Self::Time,
        Self::Duration,
        Self::Ip,
        Self::Semver,
    ];

    /// What a query that names no type is told.
    pub(crate) const EXPECTED: &'static str =
        "a type is expected: string, number, quantity, time, duration, ip or semver";

    pub(crate) fn named(name: &str) -> Option<Self> {
        let (_, kind) = Self::NAMES.iter().find(|(known, _)| *known == name)?;
        Some(*kind)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("string", |(name, _)| name)
    }

    /// The type of a literal, by its looks.
    pub(crate) fn inferred(literal: &str) -> Self {
        Self::INFERRED
            .into_iter()
            .find(|kind| kind.parse(literal).is_some())
            .unwrap_or(Self::String)
    }

    /// Reads a scalar. What is missing, an array or an object is of no type;
    /// a JSON number is a string, a number or a quantity, a boolean a string.
    pub(crate) fn read(self, value: Value<'_>) -> Option<Typed<'_>> {
        match value {
            Value::Text(text) if self == Self::String => Some(Typed::Text(text)),
            Value::Text(text) => self.parse(&text),
            Value::Literal(text) => match self {
                Self::String => Some(Typed::Text(Cow::Borrowed(text))),
                Self::Number | Self::Quantity => self.parse(text),
                Self::Time | Self::Duration | Self::Ip | Self::Semver => None,
            },
            Value::Missing | Value::Array(_) | Value::Object => None,
        }
    }

    /// Reads a text of its own.
    pub(crate) fn parse(self, text: &str) -> Option<Typed<'static>> {
        match self {
            Self::String => Some(Typed::Text(Cow::Owned(text.to_owned()))),
            Self::Number => Decimal::number(text).map(Typed::Decimal),
            Self::Quantity => Decimal::quantity(text).map(Typed::Decimal),
            Self::Time => instant(text).map(Typed::Nanoseconds),
            Self::Duration => duration::parse(text).map(Typed::Nanoseconds),
            Self::Ip => {
                let address: IpAddr = text.parse().ok()?;
                // `::ffff:10.0.0.1` is the IPv4 address.
                Some(Typed::Address(address.to_canonical()))
            }
            Self::Semver => {
                let text = text.strip_prefix('v').unwrap_or(text);
                let mut version = Version::parse(text).ok()?;
                // It has no part in the precedence.
                version.build = BuildMetadata::EMPTY;
                Some(Typed::Version(version))
            }
        }
    }
}

/// Nanoseconds since 1970. RFC 3339 wants a `T`; the parser takes any byte for it.
fn instant(text: &str) -> Option<i128> {
    matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        .then(|| OffsetDateTime::parse(text, &Rfc3339).ok())
        .flatten()
        .map(OffsetDateTime::unix_timestamp_nanos)
}

// === impl Typed ===

impl Typed<'_> {
    pub(crate) fn order(&self, other: &Typed<'_>) -> Ordering {
        match (self, other) {
            (Self::Text(left), Typed::Text(right)) => left.cmp(right),
            (Self::Decimal(left), Typed::Decimal(right)) => left.cmp(right),
            (Self::Nanoseconds(left), Typed::Nanoseconds(right)) => left.cmp(right),
            (Self::Address(left), Typed::Address(right)) => left.cmp(right),
            (Self::Version(left), Typed::Version(right)) => left.cmp(right),
            // Of two types, which never meet.
            _ => Ordering::Equal,
        }
    }

    /// Returns the same value with a text of its own.
    pub(crate) fn into_owned(self) -> Typed<'static> {
        match self {
            Self::Text(text) => Typed::Text(Cow::Owned(text.into_owned())),
            Self::Decimal(decimal) => Typed::Decimal(decimal),
            Self::Nanoseconds(nanoseconds) => Typed::Nanoseconds(nanoseconds),
            Self::Address(address) => Typed::Address(address),
            Self::Version(version) => Typed::Version(version),
        }
    }

    /// Returns the bytes that it takes beside itself.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Version(version) => version.pre.len(),
            Self::Decimal(_) | Self::Nanoseconds(_) | Self::Address(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests;
