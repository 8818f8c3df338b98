//! Lists of anything, written in any style.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::language::tree::TYPED_TEXTS;
use crate::reference::{self, Parameters, TIMES};

/// JSON with what a tree does not keep: duplicate keys and spellings.
#[derive(Clone, Debug)]
enum Json {
    Literal(&'static str),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

/// A list document.
#[derive(Clone, Debug)]
pub(crate) struct List {
    before: Vec<(&'static str, String)>,
    items_key: &'static str,
    items: Vec<String>,
    after: Vec<(&'static str, String)>,
    gaps: Vec<&'static str>,
}

/// Longer than a block of the scanner.
const LONG_KEY: &str = "aKeyThatIsLongerThanOneBlockOfTheScannerSoItLiesInTwoOrEvenThreeOfThem";
const LONG_PATH: &str =
    "spec.aKeyThatIsLongerThanOneBlockOfTheScannerSoItLiesInTwoOrEvenThreeOfThem.a";

const KEYS: [&str; 15] = [
    "a",
    "b",
    "a.b",
    "b.a",
    "labels",
    "labels.a",
    "a.labels.b",
    "metadata",
    "name",
    "namespace",
    "spec",
    "items",
    "",
    "a.b.a",
    LONG_KEY,
];
pub(super) const PATHS: [&str; 24] = [
    "a",
    "b",
    "a.b",
    "b.a",
    "a.b.a",
    "a.a.b.b",
    "labels",
    "labels.a",
    "labels.a.b",
    "a.labels.b",
    "spec",
    "spec.a",
    "spec.a.b",
    "spec.labels.a.b",
    "metadata.name",
    "metadata.namespace",
    "metadata.labels.a.b",
    "",
    ".a",
    "a.",
    "name",
    "creationTimestamp",
    LONG_KEY,
    LONG_PATH,
];
// Spelled as `serde_json` spells them, since the reference sees only trees.
pub(super) const LITERALS: [&str; 14] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "10",
    "-3",
    "1.5",
    "-0.25",
    "9007199254740992",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
];
pub(super) const TEXTS: [&str; 22] = [
    "", "a", "A", "b", "ab", "aB", "É", "é", "x|y", "a=b", "1", "2", "-3", "1.5", "+7", "inf",
    "nan", "1e3", "😀", "\\\"]}", "\n", "K",
];

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        2 => select(&LITERALS[..]).prop_map(Json::Literal),
        2 => select(&TEXTS[..]).prop_map(|text| Json::Text(text.to_owned())),
        1 => select(TIMES.concat()).prop_map(|text| Json::Text(text.to_owned())),
        1 => select(&TYPED_TEXTS[..]).prop_map(|text| Json::Text(text.to_owned())),
        1 => vec(select(&TYPED_TEXTS[..]), 1..4).prop_map(|texts| {
            Json::Array(texts.into_iter().map(|text| Json::Text(text.to_owned())).collect())
        }),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Json::Array),
            3 => vec((select(&KEYS[..]), inner), 0..5).prop_map(Json::Object),
        ]
    })
}

/// Mostly objects with metadata, as in real life, and some of anything.
fn item() -> impl Strategy<Value = Json> {
    let named = (
        select(&TEXTS[..]),
        select(&TEXTS[..4]),
        json(),
        json(),
        json(),
        any::<bool>(),
    );
    let object = named.prop_map(|(name, namespace, labels, spec, other, first)| {
        let metadata = Json::Object(vec![
            ("name", Json::Text(name.to_owned())),
            ("namespace", Json::Text(namespace.to_owned())),
            ("labels", labels),
        ]);
        let mut members = vec![("metadata", metadata), ("spec", spec), ("a", other)];
        if first {
            members.reverse();
        }
        Json::Object(members)
    });
    prop_oneof![3 => object, 2 => json()]
}

/// Writes JSON with white space and escapes that the style decides.
fn write(json: &Json, style: &mut impl Iterator<Item = u8>, out: &mut String) {
    fn gap(style: &mut impl Iterator<Item = u8>, out: &mut String) {
        match style.next() {
            Some(0) => out.push(' '),
            Some(1) => out.push_str("\n\t"),
            Some(2) => out.push_str(&" ".repeat(29)),
            _ => {}
        }
    }
    fn string(text: &str, style: &mut impl Iterator<Item = u8>, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            if style.next() == Some(0) || matches!(character, '"' | '\\') || character.is_control()
            {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                out.push(character);
            }
        }
        out.push('"');
    }
    match json {
        Json::Literal(literal) => out.push_str(literal),
        Json::Text(text) => string(text, style, out),
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                gap(style, out);
                write(element, style, out);
                gap(style, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                gap(style, out);
                string(key, style, out);
                gap(style, out);
                out.push(':');
                gap(style, out);
                write(value, style, out);
                gap(style, out);
            }
            out.push('}');
        }
    }
}

fn written(json: impl Strategy<Value = Json>) -> impl Strategy<Value = String> {
    (json, vec(0..8_u8, 1..20)).prop_map(|(json, style)| {
        let mut out = String::new();
        write(&json, &mut style.into_iter().cycle(), &mut out);
        out
    })
}

fn members() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let key = select(
        &[
            "\"kind\"",
            "\"metadata\"",
            "\"total\"",
            "\"tot\\u0061l\"",
            "\"\\\"items\"",
        ][..],
    );
    vec((key, written(json())), 0..3)
}

pub(crate) fn list() -> impl Strategy<Value = List> {
    (
        members(),
        select(&["\"items\"", "\"it\\u0065ms\""][..]),
        vec(written(item()), 0..15),
        members(),
        vec(select(&["", "", "", " ", "\r\n "][..]), 1..9),
    )
        .prop_map(|(before, items_key, items, after, gaps)| List {
            before,
            items_key,
            items,
            after,
            gaps,
        })
}

impl List {
    pub(crate) fn body(&self) -> String {
        let mut gaps = self.gaps.iter().cycle();
        let mut joined = |parts: Vec<String>| {
            let mut out = String::new();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.extend(
                    [gaps.next(), Some(&&**part), gaps.next()]
                        .into_iter()
                        .flatten()
                        .copied(),
                );
            }
            out
        };
        let items = format!("[{}]", joined(self.items.clone()));
        let middle = (self.items_key, items);
        let members = self.before.iter().chain([&middle]).chain(&self.after);
        let members = members
            .map(|(key, value)| format!("{key} :{value}"))
            .collect();
        format!("{{{}}}\n", joined(members))
    }

    pub(crate) fn trees(&self) -> Vec<Value> {
        self.items
            .iter()
            .map(|item| serde_json::from_str(item).unwrap())
            .collect()
    }

    pub(super) fn expected(&self, parameters: &Parameters) -> String {
        let trees = self.trees();
        let (page, total) = reference::page(&trees, parameters);
        let items: Vec<&str> = page.iter().map(|index| &*self.items[*index]).collect();
        let kept = |members: &[(&str, String)]| -> String {
            members
                .iter()
                .filter(|(key, _)| !key.starts_with("\"tot"))
                .map(|(key, value)| format!("{key}:{value},"))
                .collect()
        };
        format!(
            "{{{}\"items\":[{}],{}\"total\":{total}}}",
            kept(&self.before),
            items.join(","),
            kept(&self.after),
        )
    }
}
