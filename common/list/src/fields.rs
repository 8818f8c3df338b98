//! Takes from an item the few fields that a query names, and validates the rest on the way.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::path::KeyPath;
use crate::strict::{self, Skip};
use crate::value::Value;

/// The fields of a query, merged into one tree, so that an item is read once
/// however many there are.
#[derive(Debug, Default)]
pub(crate) struct FieldSet {
    root: Node,
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

/// What was found in one item: raw JSON by slot.
#[derive(Debug)]
pub(crate) struct Found<'a>(Vec<Option<&'a str>>);

/// An object that paths go through. Members are sorted by name.
#[derive(Debug, Default)]
struct Node {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    name: Box<str>,
    /// The slots that this member's value fills.
    ends: Vec<usize>,
    /// The slots that only a walk through this member can fill.
    below: Vec<usize>,
    next: Node,
}

// === impl FieldSet ===

impl FieldSet {
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

        let mut node = &mut self.root;
        for (step, slot) in path.steps().iter().zip(field.first_slot..self.slots) {
            if let Some(member) = node.member(&step.rest) {
                member.ends.push(slot);
            }
            let deeper = slot.saturating_add(1)..self.slots;
            if deeper.is_empty() {
                break;
            }
            let Some(member) = node.member(&step.name) else {
                break;
            };
            member.below.extend(deeper);
            node = &mut member.next;
        }
        field
    }

    /// Reads one item, which may be any JSON value; only an object has fields.
    pub(crate) fn take<'a>(&self, item: &'a str) -> Result<Found<'a>, serde_json::Error> {
        let mut slots = vec![None; self.slots];
        let walk = Walk {
            node: &self.root,
            slots: &mut slots,
            enters_arrays: false,
        };
        strict::read(item, walk)?;
        Ok(Found(slots))
    }
}

// === impl Found ===

impl<'a> Found<'a> {
    pub(crate) fn value(&self, field: Field) -> Value<'a> {
        self.0
            .iter()
            .skip(field.first_slot)
            .take(field.slots)
            .rev()
            .find_map(|raw| *raw)
            .map_or(Value::Missing, Value::read)
    }
}

// === impl Node ===

impl Node {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.members
            .binary_search_by(|member| (*member.name).cmp(name))
    }

    fn get(&self, name: &str) -> Option<&Member> {
        self.find(name)
            .ok()
            .and_then(|index| self.members.get(index))
    }

    /// The member of this name, made if it is new; so there always is one.
    fn member(&mut self, name: &str) -> Option<&mut Member> {
        let index = self.find(name).unwrap_or_else(|index| {
            let member = Member {
                name: name.into(),
                ends: Vec::new(),
                below: Vec::new(),
                next: Node::default(),
            };
            self.members.insert(index, member);
            index
        });
        self.members.get_mut(index)
    }
}

// === Reading ===

/// Reads a value at a node of the tree.
struct Walk<'t, 's, 'de> {
    node: &'t Node,
    slots: &'s mut Vec<Option<&'de str>>,
    enters_arrays: bool,
}

/// Reads a key and looks it up.
struct Lookup<'t>(&'t Node);

impl<'de> Walk<'_, '_, 'de> {
    fn set(&mut self, slots: &[usize], raw: Option<&'de str>) {
        for slot in slots {
            if let Some(found) = self.slots.get_mut(*slot) {
                *found = raw;
            }
        }
    }
}

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

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key_seed(Lookup(self.node))? {
            let Some(member) = member else {
                map.next_value_seed(Skip)?;
                continue;
            };
            // Of members with the same name the last one counts, so what an
            // earlier one held is forgotten.
            self.set(&member.below, None);
            let walk = Walk {
                node: &member.next,
                slots: &mut *self.slots,
                enters_arrays: true,
            };
            if member.ends.is_empty() {
                map.next_value_seed(walk)?;
                continue;
            }
            // A path ends here and another may go on: the raw text serves both.
            let raw = map.next_value::<&'de RawValue>()?.get();
            strict::read(raw, walk).map_err(|error| A::Error::custom(strict::reason(&error)))?;
            self.set(&member.ends, Some(raw));
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
        Ok(self.0.get(key))
    }
}

#[cfg(test)]
mod tests;
