//! The few fields of an item that a query names, merged into one tree.

mod read;

use crate::path::{KeyPath, Part};
use crate::value::Value;

/// The fields of a query, merged into one tree, so that an item is read once
/// however many there are.
///
/// Objects are read by [`ObjectReader`](crate::object::ObjectReader), which asks
/// this tree for the members that matter; arrays on the way to a field are read by it.
#[derive(Debug)]
pub(crate) struct FieldSet {
    /// The objects that paths go through; the first one is the item itself.
    nodes: Vec<Node>,
    /// The texts of all paths, of which the members' names are parts.
    texts: Vec<u8>,
    /// Which part of them each field is, and how much of that was written.
    known: Vec<(Part, usize, Field)>,
    slots: usize,
    has_odd_names: bool,
}

/// One field of the set.
///
/// A path of n steps can end at n places: at its last step, or at any object
/// on the way by a member that is called like the whole rest. Each place has a
/// slot, and the deepest one that is filled counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Which one it is.
    index: usize,
    first_slot: usize,
}

/// Where the fields of a set are in one item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Of each slot where its value stands, if it is filled.
    spans: Vec<Span>,
    /// Of each field which of its slots are filled: bit n for the nth.
    filled: Vec<u128>,
    /// Behind all that was found.
    end: usize,
}

/// What was found in one item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    item: &'a [u8],
    places: &'a Places,
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
    /// A part of the set's texts.
    name: Part,
    /// What this member's value fills.
    ends: Vec<Slot>,
    /// The slots of these fields behind this one only a walk through this member fills.
    below: Vec<Slot>,
    next: NodeId,
}

/// A slot of a field.
#[derive(Clone, Copy, Debug)]
struct Slot {
    field: Field,
    /// Which one of the field's.
    step: u32,
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
            texts: Vec::new(),
            known: Vec::new(),
            slots: 0,
            has_odd_names: false,
        }
    }

    pub(crate) fn add(&mut self, path: &KeyPath) -> Field {
        let steps = path.steps();
        let written = path.text().len();
        // The same letters may be a bracket for one parameter and a name for another one:
        // what was read of them counts as well.
        let known = |(known, known_written, _): &&(Part, usize, Field)| {
            *known_written == written
                && known.len() == steps.text().len()
                && known.of_bytes(&self.texts) == steps.text()
        };
        if let Some((_, _, field)) = self.known.iter().find(known) {
            return *field;
        }
        let field = Field {
            index: self.known.len(),
            first_slot: self.slots,
        };
        self.slots = self.slots.saturating_add(steps.len());
        let before = self.texts.len();
        self.texts.extend_from_slice(steps.text());
        self.has_odd_names |= is_odd(steps.text());
        let text = Part::new(before, steps.text().len());
        self.known.push((text, written, field));

        let mut node = Self::ROOT;
        let mut steps = steps
            .all()
            .iter()
            .map(|step| step.behind(before))
            .peekable();
        let mut slot = Slot { field, step: 0 };
        while let Some(step) = steps.next() {
            if let Some(member) = self.add_member(node, step.rest) {
                push_exact(&mut member.ends, slot);
            }
            if steps.peek().is_none() {
                break;
            }
            let Some(member) = self.add_member(node, step.name) else {
                break;
            };
            push_exact(&mut member.below, slot);
            node = member.next;
            slot.step = slot.step.saturating_add(1);
        }
        field
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let nodes = self.nodes.iter().map(|node| {
            let slots = node.members.iter().map(|member| {
                let slots = member
                    .ends
                    .capacity()
                    .saturating_add(member.below.capacity());
                slots.saturating_mul(size_of::<Slot>())
            });
            let members = node.members.capacity().saturating_mul(size_of::<Member>());
            slots.fold(members, usize::saturating_add)
        });
        let known = self
            .known
            .capacity()
            .saturating_mul(size_of::<(Part, usize, Field)>());
        let own = self.nodes.capacity().saturating_mul(size_of::<Node>());
        nodes
            .fold(known, usize::saturating_add)
            .saturating_add(own)
            .saturating_add(self.texts.capacity())
    }

    /// Returns all fields of the set.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = Field> {
        self.known.iter().map(|(_, _, field)| *field)
    }

    /// Returns the member of this name, if a path goes that way.
    pub(crate) fn find(&self, node: NodeId, name: &[u8]) -> Option<MemberId> {
        let members = &self.nodes.get(node.0)?.members;
        // Mostly there are a few, and their lengths differ from the name's.
        let index = if members.len() <= FEW {
            members.iter().position(|member| {
                member.name.len() == name.len() && member.name.of_bytes(&self.texts) == name
            })?
        } else {
            let found =
                members.binary_search_by(|member| member.name.of_bytes(&self.texts).cmp(name));
            found.ok()?
        };
        Some(MemberId { node, index })
    }

    /// Returns which lengths the names of an object's members have that paths go through: bit n
    /// for n bytes, the last one for all above.
    #[inline(always)]
    pub(crate) fn lengths(&self, node: NodeId) -> u64 {
        self.nodes.get(node.0).map_or(0, |node| node.lengths)
    }

    /// Returns whether a key has to be read before it is compared, even one without an escape.
    #[inline(always)]
    pub(crate) fn has_odd_names(&self) -> bool {
        self.has_odd_names
    }

    /// A member that was found.
    pub(crate) fn member(&self, id: MemberId) -> Option<&Member> {
        self.nodes.get(id.node.0)?.members.get(id.index)
    }

    /// Returns whether paths go on below this member.
    pub(crate) fn goes_on(&self, member: &Member) -> bool {
        self.nodes
            .get(member.next.0)
            .is_some_and(|node| !node.members.is_empty())
    }

    /// Returns the member of this name, made if it is new; so there always is one.
    fn add_member(&mut self, node: NodeId, name: Part) -> Option<&mut Member> {
        let next = NodeId(self.nodes.len());
        let Node { members, lengths } = self.nodes.get_mut(node.0)?;
        *lengths |= length_bit(name.len());
        let wanted = name.of_bytes(&self.texts);
        let found =
            members.binary_search_by(|member| member.name.of_bytes(&self.texts).cmp(wanted));
        let (Ok(index) | Err(index)) = found;
        if found.is_err() {
            members.reserve_exact(1);
            members.insert(
                index,
                Member {
                    name,
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

/// Returns whether one of these names cannot be looked for among keys as they are spelled: it holds
/// a backslash, which in a key begins an escape, or U+FFFD, which a query sees for bytes that
/// are no UTF-8.
fn is_odd(names: &[u8]) -> bool {
    memchr::memchr(b'\\', names).is_some()
        || memchr::memmem::find(names, "\u{fffd}".as_bytes()).is_some()
}

/// Most members have one slot, and most objects two members; a vector makes room for four
/// by itself.
fn push_exact(slots: &mut Vec<Slot>, slot: Slot) {
    slots.reserve_exact(1);
    slots.push(slot);
}

// === impl Member ===

impl Member {
    /// Returns where paths go on.
    pub(crate) fn next(&self) -> NodeId {
        self.next
    }

    /// Returns whether a path ends here.
    pub(crate) fn is_end(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The member begins. Of members with the same name the last one counts, so
    /// what an earlier one held is forgotten.
    pub(crate) fn begin(&self, places: &mut Places) {
        for slot in &self.below {
            if let Some(filled) = places.filled.get_mut(slot.field.index) {
                *filled &= slot.bit() | slot.bit().wrapping_sub(1);
            }
        }
    }

    /// The member's value is there.
    pub(crate) fn end(&self, places: &mut Places, value: Span) {
        for slot in &self.ends {
            let span = places.spans.get_mut(slot.place());
            let filled = places.filled.get_mut(slot.field.index);
            if let (Some(span), Some(filled)) = (span, filled) {
                *span = value;
                *filled |= slot.bit();
            }
        }
        if self.is_end() {
            places.end = places.end.max(value.end);
        }
    }
}

// === impl Slot ===

impl Slot {
    /// A path has 64 steps at most, and one more in the row of a Table.
    fn bit(&self) -> u128 {
        1_u128.wrapping_shl(self.step)
    }

    fn place(&self) -> usize {
        self.field.first_slot.saturating_add(self.step as usize)
    }
}

// === impl Places ===

impl Places {
    /// Begins with a new item: nothing was found. This takes no time for the slots.
    pub(crate) fn begin(&mut self, set: &FieldSet) {
        self.spans.resize(set.slots, Span::NONE);
        self.filled.clear();
        self.filled.resize(set.known.len(), 0);
        self.end = 0;
    }

    /// Behind all that was found.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    pub(crate) fn held_bytes(&self) -> usize {
        let spans = self.spans.capacity().saturating_mul(size_of::<Span>());
        let filled = self.filled.capacity().saturating_mul(size_of::<u128>());
        spans.saturating_add(filled)
    }

    /// Returns the deepest place of a field.
    fn of(&self, field: Field) -> Option<Span> {
        let filled = self.filled.get(field.index)?;
        let step = filled.checked_ilog2()?;
        let slot = Slot { field, step };
        self.spans.get(slot.place()).copied()
    }
}

#[inline(always)]
fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

// === impl Span ===

impl Span {
    /// Nothing was found.
    pub(crate) const NONE: Self = Self { start: 0, end: 0 };
}

// === impl Found ===

impl<'a> Found<'a> {
    pub(crate) fn new(item: &'a [u8], places: &'a Places) -> Self {
        Self { item, places }
    }

    /// Returns the text of a field's value; empty if there is none.
    pub(crate) fn raw(&self, field: Field) -> &'a [u8] {
        self.places
            .of(field)
            .and_then(|span| self.item.get(span.start..span.end))
            .unwrap_or_default()
    }

    pub(crate) fn value(&self, field: Field) -> Value<'a> {
        Value::read(self.raw(field))
    }
}

#[cfg(test)]
mod tests;
