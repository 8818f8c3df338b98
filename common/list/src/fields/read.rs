//! Reads an item, or an array on the way to fields, with `serde_json`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{FieldSet, Member, NodeId, Span};
use crate::strict::{self, Skip, scalars_are_nothing};

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

// === impl FieldSet ===

impl FieldSet {
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
}

// === impl Span ===

impl Span {
    /// Where a part of a text stands in it.
    fn within(text: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Self {
            start,
            end: start.saturating_add(part.len()),
        }
    }
}

// === impl Walk ===

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

    scalars_are_nothing!();
}

// === impl Lookup ===

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
