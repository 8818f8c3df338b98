//! The filter language on whole trees.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::reference::TIMES;

/// A filter as a tree, from which its text is written.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Absent(&'static str),
    Exists(&'static str),
    Holds(&'static str, bool, Literal),
    In(&'static str, Option<Type>, bool, Vec<Literal>),
    Compares(&'static str, Option<Type>, &'static str, Literal),
}

/// A value of a filter, in quotes or without.
#[derive(Clone, Debug)]
pub(super) struct Literal(pub(super) &'static str, pub(super) bool);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type {
    String,
    /// A row of [`TYPES`].
    Of(usize),
}

/// Spellings of a type in ascending order; those of one group are equal. They
/// hold everything of the type that a random item can have.
pub(super) type Spellings = &'static [&'static [&'static str]];

pub(super) const NUMBERS: Spellings = &[
    &["-9223372036854775808"],
    &["-3"],
    &["-0.25"],
    &["0"],
    &["1"],
    &["1.5"],
    &["2"],
    &["+7"],
    &["10"],
    &["1e3"],
    &["9007199254740992"],
    &["9007199254740993"],
    &["18446744073709551615"],
];
pub(super) const QUANTITIES: Spellings = &[
    &["-9223372036854775808"],
    &["-3"],
    &["-0.25"],
    &["0"],
    &["500m"],
    &["1"],
    &["1.5"],
    &["2"],
    &["+7"],
    &["10"],
    &["1e3"],
    &["1Ki"],
    &["1Mi", "1024Ki"],
    &["9007199254740992"],
    &["9007199254740993"],
    &["18446744073709551615"],
];
pub(super) const DURATIONS: Spellings = &[&["500m"], &["90h"], &["7d4h", "172h"]];
pub(super) const ADDRESSES: Spellings = &[&["10.0.0.9"], &["10.0.0.10"], &["::1", "0::1"]];
pub(super) const VERSIONS: Spellings = &[&["1.2.3-rc.1"], &["1.2.3", "v1.2.3"], &["1.10.0"]];
pub(super) const TYPES: [(&str, Spellings); 6] = [
    ("number", NUMBERS),
    ("quantity", QUANTITIES),
    ("time", &TIMES),
    ("duration", DURATIONS),
    ("ip", ADDRESSES),
    ("semver", VERSIONS),
];
/// What a literal without a type can be; a string if it is none of these.
pub(super) const INFERRED: [usize; 5] = [1, 2, 3, 4, 5];

/// Texts for items that random trees of the old language do not have.
pub(crate) const TYPED_TEXTS: [&str; 16] = [
    "500m",
    "1Ki",
    "1024Ki",
    "1Mi",
    "90h",
    "7d4h",
    "172h",
    "10.0.0.9",
    "10.0.0.10",
    "::1",
    "0::1",
    "1.2.3-rc.1",
    "1.2.3",
    "v1.2.3",
    "1.10.0",
    "1.2.3.4.5",
];

pub(super) const PATHS: [&str; 22] = [
    "a",
    "a.b",
    "b.a",
    "a.b.a",
    "spec",
    "spec.a",
    "spec.labels.a.b",
    "metadata.name",
    "metadata.namespace",
    "metadata.labels.a",
    "a[]",
    "b[]",
    "a[].a",
    "a[].a.b",
    "a[][]",
    "a.b[].a",
    "spec[a.b]",
    "spec[\"a\"].b",
    "metadata[labels][a]",
    "metadata.labels[a.b]",
    "spec.a[].labels.a.b",
    "spec[a][].b[]",
];
/// What is stripped: of these no array can be shadowed by a member called like the rest.
pub(super) const STRIPPED: [&str; 9] = [
    "a.b",
    "metadata.labels",
    "spec.a.b",
    "a[].a",
    "a[]",
    "spec[a]",
    "spec[a][].b",
    "labels",
    "metadata.namespace",
];
pub(super) const LITERALS: [&str; 14] = [
    "", "a", "A", "ab", "b", "x|y", "1", "2", "1.5", "true", "é", "10", "-3", "K",
];

/// A path's segments up to its first `[]`, each with whether it is in
/// brackets, and what follows that.
pub(super) fn split(path: &'static str) -> (Vec<(&'static str, bool)>, Option<&'static str>) {
    let (prefix, tail) = match path.split_once("[]") {
        Some((prefix, tail)) => (prefix, Some(tail.strip_prefix('.').unwrap_or(tail))),
        None => (path, None),
    };
    let mut segments = Vec::new();
    let mut rest = prefix;
    let mut flat = false;
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (key, after) = bracket.split_once(']').unwrap();
            segments.push((key.trim_matches('"'), true));
            rest = after.strip_prefix('.').unwrap_or(after);
            flat = false;
        } else if flat {
            segments.push((rest, false));
            break;
        } else {
            let (name, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
            segments.push((name, false));
            flat = ["labels", "annotations"].contains(&name);
            rest = after.strip_prefix('.').unwrap_or(after);
        }
    }
    (segments, tail)
}

/// Where in an item something is: members by name, elements by index.
pub(super) type Location = Vec<Value>;

/// The locations that a path leads to, and those of the arrays of its `[]`.
pub(super) fn locations(item: &Value, path: &'static str) -> (Vec<Location>, Vec<Location>) {
    pub(super) fn follow(
        value: &Value,
        here: &Location,
        path: &'static str,
        found: &mut (Vec<Location>, Vec<Location>),
    ) {
        let (segments, tail) = split(path);
        if !segments.is_empty() && !value.is_object() {
            return;
        }
        let Some((value, location)) = walk(value, here, &segments) else {
            return;
        };
        let (Some(tail), Some(elements)) = (tail, value.as_array()) else {
            if tail.is_none() {
                found.0.push(location);
            }
            return;
        };
        for (index, element) in elements.iter().enumerate() {
            follow(element, &at(&location, json!(index)), tail, found);
        }
        found.1.push(location);
    }
    let mut found = (Vec::new(), Vec::new());
    follow(item, &Vec::new(), path, &mut found);
    found
}

pub(super) fn walk<'v>(
    value: &'v Value,
    here: &Location,
    segments: &[(&str, bool)],
) -> Option<(&'v Value, Location)> {
    let Some(((first, _), rest)) = segments.split_first() else {
        return Some((value, here.clone()));
    };
    match value {
        Value::Array(elements) => walk(elements.first()?, &at(here, json!(0)), segments),
        Value::Object(members) => members
            .get(*first)
            .and_then(|member| walk(member, &at(here, json!(first)), rest))
            .or_else(|| {
                if segments.iter().any(|(_, bracket)| *bracket) {
                    return None;
                }
                let names: Vec<&str> = segments.iter().map(|(name, _)| *name).collect();
                let name = names.join(".");
                Some((members.get(&name)?, at(here, json!(name))))
            }),
        _ => None,
    }
}

pub(super) fn at(location: &Location, step: Value) -> Location {
    location.iter().cloned().chain([step]).collect()
}

pub(super) fn get<'v>(item: &'v Value, location: &Location) -> &'v Value {
    location.iter().fold(item, |value, step| match step {
        Value::String(name) => &value[name],
        index => &value[usize::try_from(index.as_u64().unwrap()).unwrap()],
    })
}

pub(super) fn values<'v>(item: &'v Value, path: &'static str) -> Vec<&'v Value> {
    let (ends, _) = locations(item, path);
    ends.iter().map(|location| get(item, location)).collect()
}

/// The scalars that a condition on the path sees.
pub(super) fn scalars<'v>(item: &'v Value, path: &'static str) -> Vec<&'v Value> {
    values(item, path)
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            other => vec![other],
        })
        .filter(|value| !value.is_null() && !value.is_array() && !value.is_object())
        .collect()
}

pub(super) fn text(scalar: &Value) -> String {
    scalar
        .as_str()
        .map_or_else(|| scalar.to_string(), str::to_owned)
}

/// Where a text stands among those of its type.
pub(super) fn place(kind: Type, text: &str) -> Option<Place> {
    match kind {
        Type::String => Some(Place::Text(text.to_owned())),
        Type::Of(index) => TYPES[index]
            .1
            .iter()
            .position(|group| group.contains(&text))
            .map(Place::Group),
    }
}

#[derive(Debug, PartialEq, PartialOrd)]
pub(super) enum Place {
    Text(String),
    Group(usize),
}

pub(super) fn typed(kind: Type, value: &Value) -> Option<Place> {
    match (kind, value) {
        (_, Value::String(text)) => place(kind, text),
        (Type::String, Value::Bool(_)) | (Type::String | Type::Of(0 | 1), Value::Number(_)) => {
            place(kind, &value.to_string())
        }
        _ => None,
    }
}

impl Filter {
    pub(super) fn text(&self) -> String {
        let kind =
            |kind: &Option<Type>| kind.map_or_else(String::new, |kind| format!(":{}", name(kind)));
        match self {
            Self::All(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| match part {
                        Self::Any(_) | Self::All(_) => format!("( {})", part.text()),
                        _ => part.text(),
                    })
                    .collect();
                parts.join(", ")
            }
            Self::Any(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("({})", part.text()))
                    .collect();
                parts.join("||")
            }
            Self::Absent(path) => format!("!{path}"),
            Self::Exists(path) => (*path).to_owned(),
            Self::Holds(path, true, part) => format!("{path}~{}", part.text()),
            Self::Holds(path, false, part) => format!("{path} !~ {}", part.text()),
            Self::In(path, of, positive, values) => {
                let texts: Vec<String> = values.iter().map(Literal::text).collect();
                let of = kind(of);
                match (&texts[..], positive) {
                    ([only], true) => format!("{path}{of}={only}"),
                    ([only], false) => format!("{path}{of}!={only}"),
                    (_, true) => format!("{path}{of} in ({})", texts.join(",")),
                    (_, false) => format!("{path}{of} notin ({})", texts.join(" , ")),
                }
            }
            Self::Compares(path, of, sign, value) => {
                format!("{path}{}{sign}{}", kind(of), value.text())
            }
        }
    }

    pub(super) fn passes(&self, item: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(item)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(item)),
            Self::Exists(path) => values(item, path).iter().any(|value| !value.is_null()),
            Self::Absent(path) => values(item, path).iter().all(|value| value.is_null()),
            Self::Holds(path, positive, part) => {
                let mut scalars = scalars(item, path).into_iter();
                scalars.any(|scalar| text(scalar).contains(part.0)) == *positive
            }
            Self::In(path, of, positive, wanted) => {
                let kind = of.unwrap_or(Type::String);
                let mut scalars = scalars(item, path).into_iter();
                let equal = scalars.any(|scalar| {
                    let found = typed(kind, scalar);
                    found.is_some() && wanted.iter().any(|wanted| place(kind, wanted.0) == found)
                });
                equal == *positive
            }
            Self::Compares(path, of, sign, bound) => {
                let kind = of.unwrap_or_else(|| bound.kind());
                let bound = place(kind, bound.0);
                scalars(item, path).into_iter().any(|scalar| {
                    let order = typed(kind, scalar).partial_cmp(&bound).unwrap();
                    typed(kind, scalar).is_some()
                        && match *sign {
                            "<" => order == Ordering::Less,
                            "<=" => order != Ordering::Greater,
                            ">" => order == Ordering::Greater,
                            _ => order != Ordering::Less,
                        }
                })
            }
        }
    }
}

impl Literal {
    pub(super) fn text(&self) -> String {
        let bare = !self.0.is_empty()
            && self
                .0
                .chars()
                .all(|c| c.is_alphanumeric() || "-.:+".contains(c));
        if self.1 || !bare {
            json!(self.0).to_string()
        } else {
            self.0.to_owned()
        }
    }

    pub(super) fn kind(&self) -> Type {
        let quoted = self.text().starts_with('"');
        let mut inferred = INFERRED.into_iter().map(Type::Of);
        inferred
            .find(|kind| !quoted && place(*kind, self.0).is_some())
            .unwrap_or(Type::String)
    }
}

pub(super) fn name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Of(index) => TYPES[index].0,
    }
}
