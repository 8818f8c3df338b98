//! Reads an item, or an array on the way to fields, that is known to be JSON.

use super::{FieldSet, NodeId, Places, Span};
use crate::raw::{Raw, string};

/// Reads values at nodes of the tree.
struct Walk<'t, 'p, 'a> {
    set: &'t FieldSet,
    places: &'p mut Places,
    raw: Raw<'a>,
    /// Where in the item the text begins.
    offset: usize,
}

// === impl FieldSet ===

impl FieldSet {
    /// Reads one item, which may be any JSON value; only an object has fields.
    pub(crate) fn take(&self, item: &[u8], places: &mut Places) {
        places.begin(self);
        let mut walk = Walk {
            set: self,
            places,
            raw: Raw::new(item),
            offset: 0,
        };
        if walk.raw.enter_object() {
            walk.object(Self::ROOT);
        }
    }

    /// Reads an array on the way to fields, which begins at `start` of the item.
    pub(crate) fn take_array(&self, node: NodeId, array: &[u8], start: usize, places: &mut Places) {
        let mut walk = Walk {
            set: self,
            places,
            raw: Raw::new(array),
            offset: start,
        };
        walk.value(node);
    }
}

// === impl Walk ===

impl Walk<'_, '_, '_> {
    /// Takes a value. An array is entered at its first element.
    fn value(&mut self, node: NodeId) {
        let mut arrays = 0_usize;
        let mut is_empty = false;
        while !is_empty && self.raw.enter_array() {
            is_empty = !self.raw.element();
            arrays = arrays.saturating_add(usize::from(!is_empty));
        }
        if !is_empty {
            if self.raw.enter_object() {
                self.object(node);
            } else {
                self.raw.value();
            }
        }
        for _ in 0..arrays {
            self.raw.leave_array();
        }
    }

    /// Takes the rest of an object. This calls itself along the paths and no deeper.
    fn object(&mut self, node: NodeId) {
        while let Some(name) = self.raw.name() {
            let set = self.set;
            let name = string(name);
            let found = set.find(node, name.as_bytes());
            let Some(member) = found.and_then(|id| set.member(id)) else {
                self.raw.value();
                continue;
            };
            member.begin(self.places);
            let start = self.raw.start();
            if set.goes_on(member) {
                self.value(member.next);
            } else {
                self.raw.value();
            }
            let span = Span {
                start: start.saturating_add(self.offset),
                end: self.raw.at().saturating_add(self.offset),
            };
            member.end(self.places, span);
        }
    }
}
