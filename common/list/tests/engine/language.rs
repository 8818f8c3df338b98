//! Random filters, orders and projections: the engine against a reference that
//! works on whole trees and knows the types only by tables of spellings.

use std::cmp::Ordering;

use cubegate_list::Limits;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::random::{cut, list};
use crate::reference::{self, TIMES};
use crate::support::{Outcome, run};

/// A filter as a tree, from which its text is written.
#[derive(Clone, Debug)]
enum Filter {
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
struct Literal(&'static str, bool);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    String,
    /// A row of [`TYPES`].
    Of(usize),
}

/// Spellings of a type in ascending order; those of one group are equal. They
/// hold everything of the type that a random item can have.
type Spellings = &'static [&'static [&'static str]];

const NUMBERS: Spellings = &[
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
const QUANTITIES: Spellings = &[
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
const DURATIONS: Spellings = &[&["500m"], &["90h"], &["7d4h", "172h"]];
const ADDRESSES: Spellings = &[&["10.0.0.9"], &["10.0.0.10"], &["::1", "0::1"]];
const VERSIONS: Spellings = &[&["1.2.3-rc.1"], &["1.2.3", "v1.2.3"], &["1.10.0"]];
const TYPES: [(&str, Spellings); 6] = [
    ("number", NUMBERS),
    ("quantity", QUANTITIES),
    ("time", &TIMES),
    ("duration", DURATIONS),
    ("ip", ADDRESSES),
    ("semver", VERSIONS),
];
/// What a literal without a type can be; a string if it is none of these.
const INFERRED: [usize; 5] = [1, 2, 3, 4, 5];

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

const PATHS: [&str; 22] = [
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
const STRIPPED: [&str; 9] = [
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
const LITERALS: [&str; 14] = [
    "", "a", "A", "ab", "b", "x|y", "1", "2", "1.5", "true", "é", "10", "-3", "K",
];

// === The language in trees ===

/// A path's segments up to its first `[]`, each with whether it is in
/// brackets, and what follows that.
fn split(path: &'static str) -> (Vec<(&'static str, bool)>, Option<&'static str>) {
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
type Location = Vec<Value>;

/// The locations that a path leads to, and those of the arrays of its `[]`.
fn locations(item: &Value, path: &'static str) -> (Vec<Location>, Vec<Location>) {
    fn follow(
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

fn walk<'v>(
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

fn at(location: &Location, step: Value) -> Location {
    location.iter().cloned().chain([step]).collect()
}

fn get<'v>(item: &'v Value, location: &Location) -> &'v Value {
    location.iter().fold(item, |value, step| match step {
        Value::String(name) => &value[name],
        index => &value[usize::try_from(index.as_u64().unwrap()).unwrap()],
    })
}

fn values<'v>(item: &'v Value, path: &'static str) -> Vec<&'v Value> {
    let (ends, _) = locations(item, path);
    ends.iter().map(|location| get(item, location)).collect()
}

/// The scalars that a condition on the path sees.
fn scalars<'v>(item: &'v Value, path: &'static str) -> Vec<&'v Value> {
    values(item, path)
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            other => vec![other],
        })
        .filter(|value| !value.is_null() && !value.is_array() && !value.is_object())
        .collect()
}

fn text(scalar: &Value) -> String {
    scalar
        .as_str()
        .map_or_else(|| scalar.to_string(), str::to_owned)
}

/// Where a text stands among those of its type.
fn place(kind: Type, text: &str) -> Option<Place> {
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
enum Place {
    Text(String),
    Group(usize),
}

fn typed(kind: Type, value: &Value) -> Option<Place> {
    match (kind, value) {
        (_, Value::String(text)) => place(kind, text),
        (Type::String, Value::Bool(_)) | (Type::String | Type::Of(0 | 1), Value::Number(_)) => {
            place(kind, &value.to_string())
        }
        _ => None,
    }
}

impl Filter {
    fn text(&self) -> String {
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

    fn passes(&self, item: &Value) -> bool {
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
    fn text(&self) -> String {
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

    fn kind(&self) -> Type {
        let quoted = self.text().starts_with('"');
        let mut inferred = INFERRED.into_iter().map(Type::Of);
        inferred
            .find(|kind| !quoted && place(*kind, self.0).is_some())
            .unwrap_or(Type::String)
    }
}

fn name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Of(index) => TYPES[index].0,
    }
}

// === Order and projection ===

#[derive(Clone, Debug)]
struct SortKey(&'static str, Option<Type>, bool);

impl SortKey {
    fn text(&self) -> String {
        let sign = if self.2 { "-" } else { "" };
        let kind = self
            .1
            .map_or_else(String::new, |kind| format!(":{}", name(kind)));
        format!("{sign}{}{kind}", self.0)
    }

    /// The value that comes first, if there is one of the type.
    fn value(&self, item: &Value) -> Option<Place> {
        let kind = self.1.unwrap_or(Type::String);
        let places = values(item, self.0)
            .into_iter()
            .filter_map(|value| typed(kind, value));
        places.reduce(|left, right| {
            if (left < right) == self.2 {
                right
            } else {
                left
            }
        })
    }

    fn order(&self, left: &Value, right: &Value) -> Ordering {
        match (self.value(left), self.value(right)) {
            (Some(left), Some(right)) => {
                let order = left.partial_cmp(&right).unwrap();
                if self.2 { order.reverse() } else { order }
            }
            (left, right) => left.is_none().cmp(&right.is_none()),
        }
    }
}

/// Of a value only what is at these locations, with the arrays on the way.
fn project(value: &Value, here: &Location, kept: &(Vec<Location>, Vec<Location>)) -> Value {
    let leads_to = |place: &Location| {
        kept.0
            .iter()
            .chain(&kept.1)
            .any(|kept| kept.starts_with(place))
    };
    if kept.0.contains(here) {
        return value.clone();
    }
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name, member, at(here, json!(name))))
            .filter(|(_, _, place)| leads_to(place))
            .map(|(name, member, place)| (name.clone(), project(member, &place, kept)))
            .collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(index, element)| (element, at(here, json!(index))))
            .filter(|(element, place)| {
                leads_to(place) || (kept.1.contains(here) && element.is_object())
            })
            .map(|(element, place)| project(element, &place, kept))
            .collect(),
        other => panic!("nothing leads into {other}"),
    }
}

fn remove(item: &mut Value, location: &Location) {
    let (last, way) = location.split_last().unwrap();
    let mut value = item;
    for step in way {
        value = match step {
            Value::String(name) => &mut value[name],
            index => &mut value[usize::try_from(index.as_u64().unwrap()).unwrap()],
        };
    }
    match last {
        Value::String(name) => {
            value.as_object_mut().unwrap().remove(name);
        }
        index => {
            let index = usize::try_from(index.as_u64().unwrap()).unwrap();
            value.as_array_mut().unwrap().remove(index);
        }
    }
}

fn projected(item: &Value, fields: &[&'static str], strip: &[&'static str]) -> Value {
    if !item.is_object() {
        return item.clone();
    }
    let mut item = item.clone();
    if !fields.is_empty() {
        let identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
        let mut kept = (Vec::new(), Vec::new());
        for path in fields.iter().chain(&identity) {
            let (ends, arrays) = locations(&item, path);
            kept.0.extend(ends);
            kept.1.extend(arrays);
        }
        item = project(&item, &Vec::new(), &kept);
    }
    for path in strip {
        loop {
            let (ends, _) = locations(&item, path);
            // From behind, so that the places of the others stay.
            let Some(last) = ends.last() else { break };
            remove(&mut item, last);
        }
    }
    item
}

// === Generators ===

fn literal() -> impl Strategy<Value = Literal> {
    let text = prop_oneof![
        select(&LITERALS[..]),
        select(&TYPED_TEXTS[..]),
        select(TIMES.concat())
    ];
    (text, any::<bool>()).prop_map(|(text, quoted)| Literal(text, quoted))
}

fn kind() -> impl Strategy<Value = Type> {
    prop_oneof![1 => Just(Type::String), 6 => (0..TYPES.len()).prop_map(Type::Of)]
}

/// A type, and literals of it.
fn typed_literals() -> impl Strategy<Value = (Type, Vec<Literal>)> {
    kind().prop_flat_map(|kind| {
        let texts = match kind {
            Type::String => LITERALS.to_vec(),
            Type::Of(index) => TYPES[index].1.concat(),
        };
        (
            Just(kind),
            vec(
                (select(texts), any::<bool>()).prop_map(|(text, quoted)| Literal(text, quoted)),
                1..4,
            ),
        )
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let path = || select(&PATHS[..]);
    let sign = || select(&["<", "<=", ">", ">="][..]);
    let leaf = prop_oneof![
        path().prop_map(Filter::Exists),
        path().prop_map(Filter::Absent),
        (path(), any::<bool>(), literal())
            .prop_map(|(path, positive, part)| Filter::Holds(path, positive, part)),
        (path(), any::<bool>(), vec(literal(), 1..4))
            .prop_map(|(path, positive, values)| Filter::In(path, None, positive, values)),
        (path(), any::<bool>(), typed_literals()).prop_map(|(path, positive, (kind, values))| {
            Filter::In(path, Some(kind), positive, values)
        }),
        (path(), sign(), literal())
            .prop_map(|(path, sign, value)| Filter::Compares(path, None, sign, value)),
        (path(), sign(), typed_literals()).prop_map(|(path, sign, (kind, values))| {
            Filter::Compares(path, Some(kind), sign, values[0].clone())
        }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Filter::All),
            vec(inner, 1..4).prop_map(Filter::Any),
        ]
    })
}

fn sort_keys() -> impl Strategy<Value = Vec<SortKey>> {
    let key = (select(&PATHS[..]), option::of(kind()), any::<bool>());
    vec(
        key.prop_map(|(path, kind, descending)| SortKey(path, kind, descending)),
        0..4,
    )
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_reference_on_the_strict_parameters(
        list in list(),
        filter in option::of(filter()),
        keys in sort_keys(),
        fields in vec(select(&PATHS[..]), 0..3),
        strip in vec(select(&STRIPPED[..]).prop_filter("a path", |path| path.contains(['.', '['])), 0..3),
        page in (1..6_usize, 1..3_usize),
        lengths in vec(1..40_usize, 1..6),
    ) {
        let filter_text = filter.as_ref().map_or_else(String::new, Filter::text);
        let keys_text = keys.iter().map(SortKey::text).collect::<Vec<_>>().join(",");
        let (size, number) = page;
        let raw_query = format!(
            "filter={}&sort={}&fields={}&strip={}&pageSize={size}&pageNum={number}",
            escaped(&filter_text), escaped(&keys_text), escaped(&fields.join(",")), escaped(&strip.join(",")),
        );
        let items = list.trees();
        let mut wanted: Vec<&Value> = items
            .iter()
            .filter(|item| filter.as_ref().is_none_or(|filter| filter.passes(item)))
            .collect();
        let total = wanted.len();
        // `sort=` without a key is the default order, whose first key is the name.
        let by_name = |left: &Value, right: &Value| {
            let name = |item| reference::text(reference::field(item, "metadata.name"));
            name(left).cmp(&name(right))
        };
        wanted.sort_by(|left, right| {
            let by_keys = keys.iter().map(|key| key.order(left, right)).find(|order| order.is_ne());
            let default = || if keys.is_empty() { by_name(left, right) } else { Ordering::Equal };
            by_keys.unwrap_or_else(default).then_with(|| reference::ties(left, right))
        });
        let on_page: Vec<Value> = wanted
            .into_iter()
            .skip((number - 1) * size)
            .take(size)
            .map(|item| projected(item, &fields, &strip))
            .collect();
        let body = list.body();
        let outcome = run(&raw_query, Limits::default(), cut(body.as_bytes(), &lengths));
        let Outcome::Page(page) = outcome else {
            return Err(TestCaseError::fail(format!("{outcome:?} for {filter_text} and {keys_text}")));
        };
        let page: Value = serde_json::from_str(&page).unwrap();
        prop_assert_eq!(&page["total"], total, "{} of {}", filter_text, body);
        prop_assert_eq!(
            &page["items"], &Value::Array(on_page),
            "filter {} sort {} fields {:?} strip {:?} of {}", filter_text, keys_text, fields, strip, body,
        );
    }
}
