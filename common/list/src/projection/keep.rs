//! Keeping nothing but some fields of a value.
//!
//! First it is found out what is meant, by all paths together, and only then it is
//! written: so it does not matter in which order paths come, nor by which of them a
//! part of the value is meant.

use std::borrow::Cow;

use super::{Cursor, Places, write_name};
use crate::path::each_member;
use crate::raw::Raw;
use crate::work::{STEP, TEST, Work};

/// What is meant of a value.
#[derive(Debug)]
pub(super) enum Kept<'a> {
    /// Nothing of it.
    Nothing,
    /// All of it.
    Whole(&'a [u8]),
    /// These members of an object.
    Members(Vec<(Cow<'a, str>, Kept<'a>)>),
    /// These elements of an array, by their places and in their order.
    Elements(Vec<(usize, Kept<'a>)>),
    /// The first element of an array, or of one in so many.
    First(usize, Box<Kept<'a>>),
}

/// What became of one cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its path comes to nothing.
    Nothing,
    /// Its path leads to a value, but that is no array for its `[]`.
    NoArray,
    /// What it means is there.
    There,
}

/// Returns what the cursors mean of a value together, and what became of each.
///
/// This calls itself along the paths, and no deeper: in arrays in arrays, which no `[]`
/// names, it goes to the innermost first element at once.
pub(super) fn resolve<'a>(
    value: &'a [u8],
    cursors: &[Cursor<'_>],
    work: &Work,
) -> (Kept<'a>, Vec<Found>) {
    work.charge(cursors.len().saturating_mul(24).saturating_add(TEST));
    if work.is_spent() {
        return (Kept::Nothing, cursors.iter().map(nothing).collect());
    }
    if cursors.iter().any(Cursor::is_whole) {
        return (Kept::Whole(value), beside_whole(value, cursors, work));
    }
    match value.first() {
        Some(b'{') => object(value, cursors, work),
        Some(b'[') => array(value, cursors, work),
        _ => (Kept::Nothing, cursors.iter().map(nothing).collect()),
    }
}

/// Returns what becomes of cursors in a value that is kept whole because of some of them: the
/// others may come to nothing in it, and then mean something beside it.
fn beside_whole(value: &[u8], cursors: &[Cursor<'_>], work: &Work) -> Vec<Found> {
    let others = cursors.iter().filter(|cursor| !cursor.is_whole());
    let others: Vec<Cursor<'_>> = others.copied().collect();
    if others.is_empty() {
        return vec![Found::There; cursors.len()];
    }
    let (_, found) = resolve(value, &others, work);
    let mut found = found.into_iter();
    let found = cursors.iter().map(|cursor| {
        if cursor.is_whole() {
            Found::There
        } else {
            found.next().unwrap_or(Found::Nothing)
        }
    });
    found.collect()
}

/// Returns what becomes of a cursor in a value without members and elements.
fn nothing(cursor: &Cursor<'_>) -> Found {
    if cursor.each().is_some() {
        Found::NoArray
    } else {
        Found::Nothing
    }
}

fn object<'a>(value: &'a [u8], cursors: &[Cursor<'_>], work: &Work) -> (Kept<'a>, Vec<Found>) {
    let members = members(value, cursors, work);
    work.charge(
        members
            .len()
            .saturating_mul(cursors.len())
            .saturating_mul(12),
    );
    let mut found: Vec<Found> = cursors.iter().map(nothing).collect();
    let mut kept = Vec::new();
    for (name, raw) in &members {
        let on = |cursor: &Cursor<'_>| cursor.leads_by(name);
        let below = cursors.iter().filter(|cursor| on(cursor));
        let below: Vec<Cursor<'_>> = below.map(|cursor| cursor.next()).collect();
        if below.is_empty() {
            continue;
        }
        let (part, below) = resolve(raw, &below, work);
        add_member(&mut kept, name.clone(), part);
        let here = cursors.iter().zip(&mut found);
        let here = here.filter(|(cursor, _)| on(cursor));
        for ((_, found), below) in here.zip(below) {
            *found = below;
        }
    }
    // Paths that came to nothing may name one of these members as a whole.
    for (name, raw) in &members {
        let is_meant = |(cursor, found): &(&Cursor<'_>, &mut Found)| {
            **found == Found::Nothing && cursor.ends_by(name)
        };
        let meant = cursors.iter().zip(&mut found).filter(is_meant);
        let (ended, meant): (Vec<Cursor<'_>>, Vec<&mut Found>) =
            meant.map(|(cursor, found)| (cursor.end(), found)).unzip();
        if ended.is_empty() {
            continue;
        }
        let (part, below) = resolve(raw, &ended, work);
        add_member(&mut kept, name.clone(), part);
        for (found, below) in meant.into_iter().zip(below) {
            *found = below;
        }
    }
    (Kept::Members(kept), found)
}

/// Returns the members that the cursors name, in their order; of those with the same name the
/// last one counts.
fn members<'a>(
    value: &'a [u8],
    cursors: &[Cursor<'_>],
    work: &Work,
) -> Vec<(Cow<'a, str>, &'a [u8])> {
    let mut members: Vec<(Cow<'a, str>, &[u8])> = Vec::new();
    work.charge(value.len() / 2);
    each_member(value, &mut |name, raw| {
        work.charge(cursors.len().saturating_mul(6).saturating_add(STEP));
        let is_meant = |cursor: &Cursor<'_>| cursor.leads_by(&name) || cursor.ends_by(&name);
        if !work.is_spent() && cursors.iter().any(is_meant) {
            work.charge(members.len());
            members.retain(|(former, _)| *former != name);
            members.push((name, raw));
        }
    });
    members
}

fn array<'a>(value: &'a [u8], cursors: &[Cursor<'_>], work: &Work) -> (Kept<'a>, Vec<Found>) {
    let Some(places) = Places::of(cursors) else {
        return first(value, cursors, work);
    };
    let mut found_in_first = Vec::new();
    let mut kept = Vec::new();
    let mut raw = Raw::new(value);
    let mut place = 0_usize;
    raw.enter_array();
    work.charge(value.len() / 2);
    while raw.element() && !work.is_spent() {
        let element = raw.text();
        if places.end_before(place) {
            continue;
        }
        // Beside what the element itself takes: its place is kept.
        work.charge(cursors.len().saturating_mul(8).saturating_add(TEST));
        let (part, found) = resolve(element, &places.at(place), work);
        // An object stays in its place, even an empty one.
        if element.starts_with(b"{") || !part.is_nothing() {
            kept.push((place, part));
        }
        if place == 0 {
            found_in_first = found;
        }
        place = place.saturating_add(1);
    }
    // Those of elements come first there; that the array is there is enough for them.
    let each = cursors.iter().filter(|cursor| cursor.each_at(0).is_some());
    let mut on = found_in_first.into_iter().skip(each.count());
    let found = cursors.iter().map(|cursor| {
        if cursor.each().is_some() {
            Found::There
        } else if cursor.enters_first() {
            on.next().unwrap_or(Found::Nothing)
        } else {
            Found::Nothing
        }
    });
    let found = found.collect();
    (Kept::Elements(kept), found)
}

/// An array without a `[]`: the first element that is none.
fn first<'a>(value: &'a [u8], cursors: &[Cursor<'_>], work: &Work) -> (Kept<'a>, Vec<Found>) {
    let none = || (Kept::Nothing, vec![Found::Nothing; cursors.len()]);
    let inside = Cursor::in_element(cursors, 0);
    if inside.is_empty() {
        return none();
    }
    let Some((arrays, element)) = super::innermost_first(value) else {
        return none();
    };
    let element = value.get(element).unwrap_or_default();
    work.charge(value.len() / 2);
    let (part, below) = resolve(element, &inside, work);
    let mut below = below.into_iter();
    let found = cursors.iter().map(|cursor| {
        if cursor.enters_first() {
            below.next().unwrap_or(Found::Nothing)
        } else {
            Found::Nothing
        }
    });
    let found = found.collect();
    // An object that is entered stays, even an empty one; but only if it was for something.
    if part.is_nothing() {
        return (Kept::Nothing, found);
    }
    (Kept::First(arrays, Box::new(part)), found)
}

fn add_member<'a>(kept: &mut Vec<(Cow<'a, str>, Kept<'a>)>, name: Cow<'a, str>, part: Kept<'a>) {
    if part.is_nothing() {
        return;
    }
    match kept.iter_mut().find(|(former, _)| *former == name) {
        Some((_, former)) => former.add(part),
        None => kept.push((name, part)),
    }
}

// === impl Kept ===

impl<'a> Kept<'a> {
    /// Returns whether there is no trace of it. An array that a `[]` names is there, even if
    /// none of its elements is.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Members(members) => members.is_empty(),
            Self::Whole(_) | Self::Elements(_) | Self::First(..) => false,
        }
    }

    /// This and what is meant of the same value besides.
    fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Whole(_), _) | (_, Self::Nothing) => {}
            (Self::Members(members), Self::Members(others)) => {
                for (name, part) in others {
                    add_member(members, name, part);
                }
            }
            (Self::Elements(elements), Self::Elements(others)) => add_elements(elements, others),
            (Self::Elements(elements), Self::First(arrays, part)) => {
                add_elements(elements, vec![(0, in_arrays(arrays, part))]);
            }
            (Self::First(arrays, _), Self::Elements(others)) => {
                let arrays = *arrays;
                if let Self::First(_, part) = std::mem::replace(self, Self::Nothing) {
                    let mut elements = vec![(0, in_arrays(arrays, part))];
                    add_elements(&mut elements, others);
                    *self = Self::Elements(elements);
                }
            }
            (Self::First(depth, inner), Self::First(other_depth, other))
                if depth == &other_depth =>
            {
                inner.add(*other);
            }
            // Of one value only one kind of these can be.
            (_, other) => *self = other,
        }
    }

    /// Writes it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Whole(value) => out.extend_from_slice(value),
            Self::Members(members) => {
                out.push(b'{');
                for (name, part) in members {
                    write_name(name, out);
                    part.write(out);
                }
                out.push(b'}');
            }
            Self::Elements(elements) => {
                out.push(b'[');
                for (index, (_, part)) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    part.write_element(out);
                }
                out.push(b']');
            }
            Self::First(arrays, part) => {
                out.extend(std::iter::repeat_n(b'[', *arrays));
                part.write_element(out);
                out.extend(std::iter::repeat_n(b']', *arrays));
            }
        }
    }

    /// The same where something has to stand.
    fn write_element(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.extend_from_slice(b"{}"),
            other => other.write(out),
        }
    }
}

/// Returns what is meant of the first element of an array, by what is meant of the innermost
/// one in so many.
fn in_arrays(arrays: usize, part: Box<Kept<'_>>) -> Kept<'_> {
    match arrays.checked_sub(1) {
        None | Some(0) => *part,
        Some(inside) => Kept::First(inside, part),
    }
}

/// Both are in their order.
fn add_elements<'a>(elements: &mut Vec<(usize, Kept<'a>)>, others: Vec<(usize, Kept<'a>)>) {
    for (place, part) in others {
        match elements.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(index) => {
                if let Some((_, former)) = elements.get_mut(index) {
                    former.add(part);
                }
            }
            Err(index) => elements.insert(index, (place, part)),
        }
    }
}
