//! The few fields of an item that a query names, merged into one tree.

mod read;

use std::collections::BTreeMap;

use crate::path::KeyPath;
use crate::value::Value;

/// The fields of a query, merged into one tree, so that an item is read once
/// however many there are.
///
/// Objects are read by [`ObjectReader`](crate::object::ObjectReader), which asks
/// this tree for the members that matter; what else an item may be, and arrays
/// on the way to a field, are read with `serde_json`.
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

    /// Which lengths the names of an object's members have that paths go through: bit n
    /// for n bytes, the last one for all above.
    #[inline(always)]
    pub(crate) fn lengths(&self, node: NodeId) -> u64 {
        self.nodes.get(node.0).map_or(0, |node| node.lengths)
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

#[cfg(test)]
mod tests;
