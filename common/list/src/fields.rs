//! The few fields of an item that a query names, merged into one tree.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::path::KeyPath;
use crate::strict::{self, Skip};
use crate::value::Value;

/// The fields of a query, merged into one tree, so that an item is read once
/// however many there are.
///
/// Objects are read by [`ObjectReader`](crate::object::ObjectReader), which asks
/// this tree for the members that matter; what else an item may be, and arrays
/// on the way to a field, are read here with `serde_json`.
#[derive(Debug)]
pub(crate) struct FieldSet {
    /// The objects that paths go through; the first one is the item itself.
    nodes: Vec<Node>,
    known: BTreeMap<String, Field>,
    slots: usize,
}

/// One field of the set.
///
/// A path of n steps can end at n places: at its last step, or at any object
/// on the way by a member that is called like the whole rest. Each place has a
/// slot, and the deepest one that is filled counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    first_slot: usize,
    slots: usize,
}

/// What was found in one item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    item: &'a [u8],
    spans: &'a [Span],
}

/// Where in an item the raw JSON for a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// An object that paths go through, by its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

/// A member, by its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberId {
    node: NodeId,
    index: usize,
}

/// Members sorted by name.
#[derive(Debug, Default)]
struct Node {
    members: Vec<Member>,
    /// Which lengths their names have: bit n for n bytes, the last one for all above.
    lengths: u64,
}

/// A member of an object that some path goes through or ends at.
#[derive(Debug)]
pub(crate) struct Member {
    name: Box<str>,
    /// The slots that this member's value fills.
    ends: Vec<usize>,
    /// The slots that only a walk through this member can fill.
    below: Vec<usize>,
    next: NodeId,
}

/// As many members are compared one after the other.
const FEW: usize = 8;

// === impl FieldSet ===

impl FieldSet {
    /// The item itself.
    pub(crate) const ROOT: NodeId = NodeId(0);

    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            known: BTreeMap::new(),
            slots: 0,
        }
    }

    pub(crate) fn add(&mut self, path: &KeyPath) -> Field {
        if let Some(field) = self.known.get(path.text()) {
            return *field;
        }
        let field = Field {
            first_slot: self.slots,
            slots: path.steps().len(),
        };
        self.slots = self.slots.saturating_add(field.slots);
        self.known.insert(path.text().to_owned(), field);

        let mut node = Self::ROOT;
        for (step, slot) in path.steps().iter().zip(field.first_slot..self.slots) {
            if let Some(member) = self.add_member(node, &step.rest) {
                member.ends.push(slot);
            }
            let deeper = slot.saturating_add(1)..self.slots;
            if deeper.is_empty() {
                break;
            }
            let Some(member) = self.add_member(node, &step.name) else {
                break;
            };
            member.below.extend(deeper);
            node = member.next;
        }
        field
    }

    /// How many slots all fields have together.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// The member of this name, if a path goes that way.
    pub(crate) fn find(&self, node: NodeId, name: &[u8]) -> Option<MemberId> {
        let members = &self.nodes.get(node.0)?.members;
        // Mostly there are a few, and their lengths differ from the name's.
        let index = if members.len() <= FEW {
            members.iter().position(|member| {
                member.name.len() == name.len() && member.name.as_bytes() == name
            })?
        } else {
            let found = members.binary_search_by(|member| member.name.as_bytes().cmp(name));
            found.ok()?
        };
        Some(MemberId { node, index })
    }

    /// Whether a member may have a name of so many bytes.
    #[inline(always)]
    pub(crate) fn has_length(&self, node: NodeId, len: usize) -> bool {
        let lengths = self.nodes.get(node.0).map_or(0, |node| node.lengths);
        lengths & length_bit(len) != 0
    }

    /// A member that was found.
    pub(crate) fn member(&self, id: MemberId) -> Option<&Member> {
        self.nodes.get(id.node.0)?.members.get(id.index)
    }

    /// Whether paths go on below this member.
    pub(crate) fn goes_on(&self, member: &Member) -> bool {
        self.nodes
            .get(member.next.0)
            .is_some_and(|node| !node.members.is_empty())
    }

    /// Reads one item, which may be any JSON value; only an object has fields.
    pub(crate) fn take(&self, item: &str, spans: &mut Vec<Span>) -> Result<(), serde_json::Error> {
        spans.clear();
        spans.resize(self.slots, Span::NONE);
        let walk = Walk {
            set: self,
            node: Self::ROOT,
            item,
            spans,
            enters_arrays: false,
        };
        strict::read(item, walk)
    }

    /// Reads an array on the way to fields, which begins at `start` of the item.
    pub(crate) fn take_array(
        &self,
        node: NodeId,
        array: &str,
        start: usize,
        spans: &mut [Span],
    ) -> Result<(), serde_json::Error> {
        let mut inner = vec![Span::NONE; spans.len()];
        let walk = Walk {
            set: self,
            node,
            item: array,
            spans: &mut inner,
            enters_arrays: true,
        };
        strict::read(array, walk)?;
        for (span, found) in spans.iter_mut().zip(inner) {
            if found != Span::NONE {
                *span = Span {
                    start: found.start.saturating_add(start),
                    end: found.end.saturating_add(start),
                };
            }
        }
        Ok(())
    }

    /// The member of this name, made if it is new; so there always is one.
    fn add_member(&mut self, node: NodeId, name: &str) -> Option<&mut Member> {
        let next = NodeId(self.nodes.len());
        let Node { members, lengths } = self.nodes.get_mut(node.0)?;
        *lengths |= length_bit(name.len());
        let found = members.binary_search_by(|member| (*member.name).cmp(name));
        let (Ok(index) | Err(index)) = found;
        if found.is_err() {
            members.insert(
                index,
                Member {
                    name: name.into(),
                    ends: Vec::new(),
                    below: Vec::new(),
                    next,
                },
            );
            self.nodes.push(Node::default());
        }
        self.nodes.get_mut(node.0)?.members.get_mut(index)
    }
}

// === impl Member ===

impl Member {
    /// Where paths go on.
    pub(crate) fn next(&self) -> NodeId {
        self.next
    }

    /// Whether a path ends here.
    pub(crate) fn is_end(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The member begins. Of members with the same name the last one counts, so
    /// what an earlier one held is forgotten.
    pub(crate) fn begin(&self, spans: &mut [Span]) {
        set(spans, &self.below, Span::NONE);
    }

    /// The member's value is there.
    pub(crate) fn end(&self, spans: &mut [Span], value: Span) {
        set(spans, &self.ends, value);
    }
}

#[inline(always)]
fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

fn set(spans: &mut [Span], slots: &[usize], span: Span) {
    for slot in slots {
        if let Some(found) = spans.get_mut(*slot) {
            *found = span;
        }
    }
}

// === impl Span ===

impl Span {
    /// Nothing was found.
    pub(crate) const NONE: Self = Self { start: 0, end: 0 };

    /// Where a part of a text stands in it.
    fn within(text: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Self {
            start,
            end: start.saturating_add(part.len()),
        }
    }
}

// === impl Found ===

impl<'a> Found<'a> {
    pub(crate) fn new(item: &'a [u8], spans: &'a [Span]) -> Self {
        Self { item, spans }
    }

    pub(crate) fn value(&self, field: Field) -> Value<'a> {
        self.spans
            .iter()
            .skip(field.first_slot)
            .take(field.slots)
            .rev()
            .find(|span| **span != Span::NONE)
            .and_then(|span| self.item.get(span.start..span.end))
            .and_then(|raw| std::str::from_utf8(raw).ok())
            .map_or(Value::Missing, Value::read)
    }
}

// === Reading ===

/// Reads a value at a node of the tree.
struct Walk<'t, 's, 'de> {
    set: &'t FieldSet,
    node: NodeId,
    /// What is read as a whole; spans count from its beginning.
    item: &'de str,
    spans: &'s mut [Span],
    enters_arrays: bool,
}

/// Reads a key and looks it up.
struct Lookup<'t>(&'t FieldSet, NodeId);

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key_seed(Lookup(self.set, self.node))? {
            let Some(member) = member else {
                map.next_value_seed(Skip)?;
                continue;
            };
            member.begin(self.spans);
            let walk = Walk {
                set: self.set,
                node: member.next,
                item: self.item,
                spans: &mut *self.spans,
                enters_arrays: true,
            };
            if !member.is_end() {
                map.next_value_seed(walk)?;
                continue;
            }
            // A path ends here and another may go on: the raw text serves both.
            let raw = map.next_value::<&'de RawValue>()?.get();
            strict::read(raw, walk).map_err(|error| A::Error::custom(strict::reason(&error)))?;
            member.end(self.spans, Span::within(self.item, raw));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.enters_arrays {
            seq.next_element_seed(self)?;
        }
        Skip.visit_seq(seq)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
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

impl<'de, 't> DeserializeSeed<'de> for Lookup<'t> {
    type Value = Option<&'t Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'_> for Lookup<'t> {
    type Value = Option<&'t Member>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let found = self.0.find(self.1, key.as_bytes());
        Ok(found.and_then(|id| self.0.member(id)))
    }
}

#[cfg(test)]
mod tests;
