//! Order and projection on whole trees.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::tree::*;

#[derive(Clone, Debug)]
pub(super) struct SortKey(
    pub(super) &'static str,
    pub(super) Option<Type>,
    pub(super) bool,
);

impl SortKey {
    pub(super) fn text(&self) -> String {
        let sign = if self.2 { "-" } else { "" };
        let kind = self
            .1
            .map_or_else(String::new, |kind| format!(":{}", name(kind)));
        format!("{sign}{}{kind}", self.0)
    }

    /// The value that comes first, if there is one of the type.
    pub(super) fn value(&self, item: &Value) -> Option<Place> {
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

    pub(super) fn order(&self, left: &Value, right: &Value) -> Ordering {
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
pub(super) fn project(
    value: &Value,
    here: &Location,
    kept: &(Vec<Location>, Vec<Location>),
) -> Value {
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

pub(super) fn remove(item: &mut Value, location: &Location) {
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

pub(super) fn projected(item: &Value, fields: &[&'static str], strip: &[&'static str]) -> Value {
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
