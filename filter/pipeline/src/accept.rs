//! What the client takes: the form of a list (`Accept`) and its compression
//! (`Accept-Encoding`), by RFC 9110 12.4 and 12.5.

use std::borrow::Cow;

use crate::Headers;

/// The form in which the client wants a list most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Plain JSON, or no wish.
    List,
    /// A JSON Table, as `kubectl get` does.
    Table(TableVersion),
    /// One that the list engine does not read: metadata only, protobuf, CBOR,
    /// YAML, or a Table in one of those.
    Other,
}

/// The version of `meta.k8s.io` that a Table is asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableVersion {
    V1,
    V1Beta1,
}

/// A whole weight, in thousandths.
const WHOLE: u16 = 1000;

/// One element of the header's list.
struct Choice<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    /// 0 to [`WHOLE`].
    weight: u16,
}

/// Returns whether gzip is what the client wants, at least as much as no compression.
pub(crate) fn takes_gzip(headers: &Headers) -> bool {
    let values = text(headers, "accept-encoding");
    let choices: Vec<Choice<'_>> = values.iter().flat_map(|value| choices(value)).collect();
    let weight = |name: &str| {
        let of_name = choices.iter().find(|c| c.name.eq_ignore_ascii_case(name));
        of_name.map(|choice| choice.weight)
    };
    let gzip = weight("gzip").or_else(|| weight("x-gzip"));
    let gzip = gzip.or_else(|| weight("*")).unwrap_or(0);
    // What is not named is acceptable, but nobody asked for it.
    gzip > 0 && gzip >= weight("identity").unwrap_or(0)
}

/// Returns whether an `Accept-Encoding` takes this coding at all.
pub(crate) fn takes_coding(accept: &str, coding: &str) -> bool {
    choices(accept).any(|choice| {
        (choice.name == "*" || choice.name.eq_ignore_ascii_case(coding)) && choice.weight > 0
    })
}

fn text<'a>(headers: &'a Headers, name: &'a str) -> Vec<Cow<'a, str>> {
    headers.all(name).map(String::from_utf8_lossy).collect()
}

/// The elements of a list header that says what is taken and how much.
fn choices(value: &str) -> impl Iterator<Item = Choice<'_>> {
    let elements = value.split(',').map(str::trim);
    elements.filter(|e| !e.is_empty()).map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let parameters: Vec<(&str, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
            .collect();
        let given = parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case("q"));
        let weight = given.map_or(WHOLE, |(_, value)| weight(value));
        Choice {
            name,
            parameters,
            weight,
        }
    })
}

/// A weight that cannot be read wants nothing.
fn weight(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if fraction.bytes().all(|byte| byte == b'0') => WHOLE,
        "0" if all_digits && fraction.len() <= 3 => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Returns whether plain JSON is acceptable at all.
pub(crate) fn takes_json(headers: &Headers) -> bool {
    let values = text(headers, "accept");
    let mut choices = values.iter().flat_map(|value| choices(value)).peekable();
    choices.peek().is_none()
        || choices.any(|choice| {
            let name = choice.name.to_ascii_lowercase();
            choice.weight > 0 && ["application/json", "application/*", "*/*"].contains(&&*name)
        })
}

// === impl Form ===

impl Form {
    /// Reads a request's `Accept`.
    pub(crate) fn of(headers: &Headers) -> Self {
        let values = text(headers, "accept");
        let choices: Vec<Choice<'_>> = values.iter().flat_map(|value| choices(value)).collect();
        let best = choices.iter().map(|choice| choice.weight).max();
        let preferred = choices.iter().find(|choice| Some(choice.weight) == best);
        if let Some(version) = preferred.and_then(Choice::json_table) {
            return Self::Table(version);
        }
        if choices.iter().any(Choice::is_other_form) {
            return Self::Other;
        }
        Self::List
    }
}

// === impl TableVersion ===

impl TableVersion {
    /// Returns the `Accept` that asks for this Table, and for the list where there is none.
    pub(crate) fn accept(self) -> &'static str {
        match self {
            Self::V1 => "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Self::V1Beta1 => "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
        }
    }
}

// === impl Choice ===

impl Choice<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    fn json_table(&self) -> Option<TableVersion> {
        let is_table = self.weight > 0
            && self.name.eq_ignore_ascii_case("application/json")
            && self.parameter("as") == Some("Table")
            && self.parameter("g") == Some("meta.k8s.io");
        match self.parameter("v") {
            Some("v1") if is_table => Some(TableVersion::V1),
            Some("v1beta1") if is_table => Some(TableVersion::V1Beta1),
            _ => None,
        }
    }

    fn is_other_form(&self) -> bool {
        // Most often it is this.
        if self.name == "application/json" {
            return self.parameter("as").is_some();
        }
        let name = self.name.to_ascii_lowercase();
        let other_bytes = ["protobuf", "cbor", "yaml"]
            .iter()
            .any(|form| name.contains(form));
        other_bytes || self.parameter("as").is_some()
    }
}

#[cfg(test)]
mod tests;
