//! Walking a path through JSON text that has been validated already: the elements of
//! an array one by one, and a field of each.

use std::borrow::Cow;

use super::{KeyPath, Names, Part, PathStep, Steps};
use crate::raw::{Raw, is_named, string};
use crate::work::{STEP, Work};

/// Shows every element of an array until one satisfies; anything else has none.
pub(crate) fn any_element<'a>(
    array: &'a [u8],
    work: &Work,
    visit: &mut dyn FnMut(&'a [u8]) -> bool,
) -> bool {
    let mut raw = Raw::new(array);
    if !raw.enter_array() {
        return false;
    }
    while raw.element() && !work.is_spent() {
        let element = raw.text();
        work.charge(element.len().saturating_add(STEP));
        if visit(element) {
            return true;
        }
    }
    false
}

/// Returns the member of an object, as raw text; of several the last.
pub(crate) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let steps = Steps {
        text: name.as_bytes(),
        steps: &[PathStep::whole(Part::new(0, name.len()))],
    };
    find(object, steps)
}

/// Shows every member of an object, its name decoded and its value raw; anything else
/// has none.
pub(crate) fn each_member<'a>(object: &'a [u8], visit: &mut dyn FnMut(Cow<'a, str>, &'a [u8])) {
    let mut raw = Raw::new(object);
    if raw.enter_object() {
        while let Some(name) = raw.name() {
            visit(string(name), raw.text());
        }
    }
}

impl KeyPath {
    /// Shows every value that the path leads to, until one satisfies.
    pub(crate) fn any<'a>(
        &self,
        value: &'a [u8],
        work: &Work,
        visit: &mut dyn FnMut(&'a [u8]) -> bool,
    ) -> bool {
        let steps = self.steps();
        let here = if steps.is_empty() {
            Some(value)
        } else {
            work.charge(value.len().saturating_add(STEP));
            find(value, steps)
        };
        match (here, self.each()) {
            (Some(array), Some(each)) => each.any(array, work, &mut |element| {
                each.path.any(element, work, visit)
            }),
            (Some(value), None) => visit(value),
            (None, _) => false,
        }
    }
}

/// Returns the value that steps lead to; only an object has fields.
fn find<'a>(value: &'a [u8], steps: Steps<'_>) -> Option<&'a [u8]> {
    value
        .starts_with(b"{")
        .then(|| follow(&mut Raw::new(value), steps))
        .flatten()
}

/// Takes a value, and finds in it what steps lead to, in one pass over the text.
fn follow<'a>(raw: &mut Raw<'a>, steps: Steps<'_>) -> Option<&'a [u8]> {
    // An array is entered at its first element, which may be an array.
    let mut arrays = 0_usize;
    while raw.enter_array() {
        if !raw.element() {
            leave(raw, arrays);
            return None;
        }
        arrays = arrays.saturating_add(1);
    }
    let found = match steps.split_first() {
        Some((names, rest)) if raw.enter_object() => member_of(raw, names, rest),
        _ => {
            raw.value();
            None
        }
    };
    leave(raw, arrays);
    found
}

/// The same for an object that has been entered.
fn member_of<'a>(raw: &mut Raw<'a>, names: Names<'_>, rest: Steps<'_>) -> Option<&'a [u8]> {
    // Of members with the same name the last one counts.
    let (mut on, mut end) = (None, None);
    while let Some(name) = raw.name() {
        if !rest.is_empty() && is_named(name, names.name) {
            on = follow(raw, rest);
        } else if is_named(name, names.rest) {
            end = Some(raw.text());
        } else {
            raw.value();
        }
    }
    on.or(end)
}

/// Takes what is left of so many arrays.
fn leave(raw: &mut Raw<'_>, arrays: usize) {
    for _ in 0..arrays {
        raw.leave_array();
    }
}
