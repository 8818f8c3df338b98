//! Walking a path through raw JSON text that has been validated already:
//! the elements of an array one by one, and a field of each.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{KeyPath, Step};
use crate::strict::{self, scalars_are_nothing};

/// Shows every element of an array until one satisfies; anything else has none.
pub(crate) fn any_element<'a>(array: &'a str, visit: &mut dyn FnMut(&'a str) -> bool) -> bool {
    array.starts_with('[') && strict::read(array, Elements(visit)).unwrap_or(false)
}

/// The member of an object, as raw text; of several the last.
pub(crate) fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    find(object, &[Step::new(name, name)])
}

/// Shows every member of an object, its name decoded and its value raw.
pub(crate) fn each_member<'a>(
    object: &'a str,
    visit: &mut dyn FnMut(String, &'a str),
) -> Result<(), serde_json::Error> {
    strict::read(object, Members(visit))
}

/// Shows every element of an array.
pub(crate) fn each_element<'a>(
    array: &'a str,
    visit: &mut dyn FnMut(&'a str),
) -> Result<(), serde_json::Error> {
    let mut all = |element: &'a str| {
        visit(element);
        false
    };
    strict::read(array, Elements(&mut all)).map(|_| ())
}

impl KeyPath {
    /// Shows every value that the path leads to, until one satisfies.
    pub(crate) fn any<'a>(&self, value: &'a str, visit: &mut dyn FnMut(&'a str) -> bool) -> bool {
        let here = if self.steps.is_empty() {
            Some(value)
        } else {
            find(value, &self.steps)
        };
        match (here, self.each()) {
            (Some(array), Some(each)) => {
                any_element(array, &mut |element| each.any(element, visit))
            }
            (Some(value), None) => visit(value),
            (None, _) => false,
        }
    }
}

/// The value that steps lead to; only an object has fields.
fn find<'a>(value: &'a str, steps: &[Step]) -> Option<&'a str> {
    if !value.starts_with('{') {
        return None;
    }
    strict::read(value, Find(steps)).unwrap_or_default()
}

struct Elements<'f, 'de>(&'f mut dyn FnMut(&'de str) -> bool);

impl<'de> DeserializeSeed<'de> for Elements<'_, 'de> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, 'de> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while let Some(element) = seq.next_element::<&'de RawValue>()? {
            if (self.0)(element.get()) {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct Members<'f, 'de>(&'f mut dyn FnMut(String, &'de str));

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
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            (self.0)(name, value.get());
        }
        Ok(())
    }
}

/// Takes the steps from here on, in one pass over the text.
struct Find<'p>(&'p [Step]);

/// What a key of an object stands for.
enum Lead {
    On,
    End,
    Away,
}

/// Reads a key against a step; `true` says that it is the last one.
struct Key<'p>(&'p Step, bool);

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        // Of members with the same name the last one counts.
        let (mut on, mut end) = (None, None);
        while let Some(lead) = map.next_key_seed(Key(step, rest.is_empty()))? {
            match lead {
                Lead::On => on = map.next_value_seed(Find(rest))?,
                Lead::End => end = Some(map.next_value::<&'de RawValue>()?.get()),
                Lead::Away => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(on.or(end))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let first = seq.next_element_seed(self)?.flatten();
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }

    scalars_are_nothing!();
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Lead;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lead, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Lead;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Lead, E> {
        let Self(step, last) = self;
        Ok(if *key == *step.name && !last {
            Lead::On
        } else if *key == *step.rest {
            Lead::End
        } else {
            Lead::Away
        })
    }
}
