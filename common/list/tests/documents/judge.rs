//! What `serde_json` makes of a document by the grammar of JSON, and so what the engine
//! has to make of it.

#[path = "tree.rs"]
pub(crate) mod tree;

use std::fmt;

use cubegate_list::ListError;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use self::tree::Document;
use crate::reference::json::is_json;
use crate::reference::{self, Parameters};
use crate::run::Outcome;

/// What may become of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exactly this page.
    Page(Vec<u8>),
    /// It is no list and goes on as it came.
    PassThrough,
    /// An error.
    Refuse,
    /// Broken where it is no longer a list: an error, or as it came.
    NoPage,
}

/// The members of the outermost object in their spelling, as far as it is JSON.
struct Outline<'de> {
    document: &'de Document<'de>,
    before: Vec<[&'de RawValue; 2]>,
    after: Vec<[&'de RawValue; 2]>,
    items: Vec<&'de RawValue>,
    /// How many members are named `items`.
    named_items: usize,
    /// The first of them holds an array, or what is taken for one.
    is_list: bool,
    /// It holds `null`, which is taken for an empty one.
    is_null: bool,
    takes_null: bool,
}

/// The verdict on a document that is asked for with these parameters. `takes_null` says
/// that `null` in the place of the items is an empty list.
pub(crate) fn verdict(body: &[u8], parameters: &Parameters, takes_null: bool) -> Verdict {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let first = body
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if body.starts_with(MARK) {
        return Verdict::Refuse;
    }
    if first != Some(&b'{') {
        return Verdict::PassThrough;
    }
    let document = Document::new(body);
    let mut outline = Outline::new(&document, takes_null);
    let mut deserializer = serde_json::Deserializer::from_slice(document.text());
    // What it says about the whole is not heard: raw values are not validated.
    let read = Members(&mut outline).deserialize(&mut deserializer);
    if let Err(error) = read
        && outline.ends_with_null(document.text(), &error)
    {
        // `serde_json` tells of what follows only after it has taken the value for `null`.
        outline.is_list = false;
    }
    let accepted = is_json(document.text());
    match (accepted, outline.named_items, outline.is_list) {
        (true, 1, true) => Verdict::Page(outline.page(parameters)),
        (true, 0, _) | (true, _, false) => Verdict::PassThrough,
        // Which of two lists is meant? An error beside `serde_json`, who takes the last.
        (_, _, true) => Verdict::Refuse,
        // The first object decides, and what follows is not looked at.
        (false, 0, false) if begins_with_object(document.text()) => Verdict::PassThrough,
        (false, 0, false) => Verdict::Refuse,
        (false, _, false) => Verdict::NoPage,
    }
}

fn begins_with_object(text: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next().is_some_and(|value| value.is_ok())
}

// === impl Verdict ===

impl Verdict {
    pub(crate) fn allows(&self, outcome: &Outcome, body: &[u8]) -> bool {
        match (self, outcome) {
            (Self::Page(expected), Outcome::Page(page)) => expected == page,
            (Self::PassThrough | Self::NoPage, Outcome::PassThrough(passed)) => passed == body,
            (Self::Refuse | Self::NoPage, Outcome::Refused(error)) => matches!(
                error,
                ListError::Malformed { .. } | ListError::Truncated { .. }
            ),
            _ => false,
        }
    }
}

// === impl Outline ===

impl<'de> Outline<'de> {
    fn new(document: &'de Document<'de>, takes_null: bool) -> Self {
        Self {
            takes_null,
            document,
            before: Vec::new(),
            after: Vec::new(),
            items: Vec::new(),
            named_items: 0,
            is_list: false,
            is_null: false,
        }
    }

    /// Whether what stands for the items only begins like `null`: what is wrong is the very
    /// next letter.
    fn ends_with_null(&self, text: &[u8], error: &serde_json::Error) -> bool {
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        let before: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
        let place = (before + error.column()).saturating_sub(1);
        let is_last = self.named_items == 1 && self.after.is_empty();
        let is_wrong = text
            .get(place)
            .is_some_and(|byte| !b" \t\r\n,}".contains(byte));
        self.is_null && is_last && is_wrong && text[..place].ends_with(b"null")
    }

    fn page(&self, parameters: &Parameters) -> Vec<u8> {
        let items = self.items.iter();
        let trees: Vec<Value> = items.map(|item| self.document.tree(item)).collect();
        let (places, total) = reference::page(&trees, parameters);
        let mut page = b"{".to_vec();
        self.write_members(&mut page, &self.before);
        page.extend_from_slice(b"\"items\":[");
        for (index, place) in places.into_iter().enumerate() {
            if index > 0 {
                page.push(b',');
            }
            page.extend_from_slice(self.document.original(self.items[place]));
        }
        page.extend_from_slice(b"],");
        self.write_members(&mut page, &self.after);
        page.extend_from_slice(format!("\"total\":{total}}}").as_bytes());
        page
    }

    fn write_members(&self, page: &mut Vec<u8>, members: &[[&RawValue; 2]]) {
        for [key, value] in members {
            if decoded(key).as_deref() == Some("total") {
                continue;
            }
            let parts = [
                self.document.original(key),
                b":",
                self.document.original(value),
                b",",
            ];
            page.extend(parts.concat());
        }
    }
}

fn decoded(key: &RawValue) -> Option<String> {
    serde_json::from_str(key.get()).ok()
}

// === Reading ===

struct Members<'o, 'de>(&'o mut Outline<'de>);

impl<'de> DeserializeSeed<'de> for Members<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            if decoded(key).as_deref() == Some("items") {
                self.0.named_items += 1;
                map.next_value_seed(Items(&mut *self.0))?;
                continue;
            }
            let member = [key, map.next_value()?];
            if self.0.named_items == 0 {
                self.0.before.push(member);
            } else {
                self.0.after.push(member);
            }
        }
        Ok(())
    }
}

struct Items<'o, 'de>(&'o mut Outline<'de>);

impl<'de> DeserializeSeed<'de> for Items<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.0.named_items == 1 {
            self.0.is_list = true;
        }
        while let Some(item) = seq.next_element()? {
            self.0.items.push(item);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        IgnoredAny.visit_map(map).map(|_| ())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.0.named_items == 1 && self.0.takes_null {
            (self.0.is_list, self.0.is_null) = (true, true);
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}
