//! Writing nothing but some fields of a value.

use std::collections::BTreeSet;

use super::{Cursor, write_name};
use crate::path::{each_element, each_member};

/// What became of one cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// Its path comes to nothing.
    Nothing,
    /// Its path leads to a value, but that is no array for its `[]`.
    NoArray,
    /// What it means was written.
    Written,
}

/// Writes what the cursors mean, and says of each what became of it. If
/// nothing was written of any, the text that was added is to be dropped.
pub(super) fn keep(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<Found>, serde_json::Error> {
    if cursors.iter().any(Cursor::is_whole) {
        out.push_str(value);
        return beside_whole(value, cursors);
    }
    match value.as_bytes().first() {
        Some(b'{') => object(value, cursors, out),
        Some(b'[') => array(value, cursors, out),
        _ => Ok(cursors.iter().map(nothing).collect()),
    }
}

/// What becomes of cursors in a value that is written whole because of some of
/// them: the others may come to nothing in it, and then mean something beside it.
fn beside_whole(value: &str, cursors: &[Cursor<'_>]) -> Result<Vec<Found>, serde_json::Error> {
    let others = cursors.iter().filter(|cursor| !cursor.is_whole());
    let others: Vec<Cursor<'_>> = others.copied().collect();
    let mut below = keep(value, &others, &mut String::new())?.into_iter();
    let found = cursors.iter().map(|cursor| {
        if cursor.is_whole() {
            Found::Written
        } else {
            below.next().unwrap_or(Found::Nothing)
        }
    });
    Ok(found.collect())
}

/// What becomes of a cursor in a value without members and elements.
fn nothing(cursor: &Cursor<'_>) -> Found {
    if cursor.each().is_some() {
        Found::NoArray
    } else {
        Found::Nothing
    }
}

fn object(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<Found>, serde_json::Error> {
    let wanted: BTreeSet<&str> = cursors
        .iter()
        .flat_map(|cursor| [cursor.name(), cursor.rest()])
        .flatten()
        .collect();
    // In their order; of members with the same name the last one counts.
    let mut members: Vec<(String, &str)> = Vec::new();
    each_member(value, &mut |name, raw| {
        if wanted.contains(&*name) {
            members.retain(|(former, _)| *former != name);
            members.push((name, raw));
        }
    })?;

    let mut found: Vec<Found> = cursors.iter().map(nothing).collect();
    let mut written: BTreeSet<&str> = BTreeSet::new();
    out.push('{');
    for (name, raw) in &members {
        let on = |cursor: &Cursor<'_>| cursor.name() == Some(name);
        let below: Vec<Cursor<'_>> = cursors
            .iter()
            .filter(|cursor| on(cursor))
            .map(|cursor| cursor.next())
            .collect();
        let below = member(name, raw, &below, out)?;
        if below.contains(&Found::Written) {
            written.insert(name);
        }
        let here = cursors.iter().zip(&mut found);
        let here = here.filter(|(cursor, _)| on(cursor));
        for ((_, found), below) in here.zip(below) {
            *found = below;
        }
    }
    // Paths that came to nothing may name one of these members as a whole.
    for (cursor, found) in cursors.iter().zip(&mut found) {
        let rest = cursor.rest().filter(|_| *found == Found::Nothing);
        let named = members.iter().find(|(name, _)| rest == Some(name));
        let Some((name, raw)) = named else {
            continue;
        };
        if written.contains(&**name) {
            *found = Found::Written;
            continue;
        }
        let below = member(name, raw, &[cursor.end()], out)?;
        if below.contains(&Found::Written) {
            written.insert(name);
        }
        *found = below.first().copied().unwrap_or(Found::Nothing);
    }
    out.push('}');
    Ok(found)
}

/// Writes a member if anything of it is meant.
fn member(
    name: &str,
    raw: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<Found>, serde_json::Error> {
    if cursors.is_empty() {
        return Ok(Vec::new());
    }
    let before = out.len();
    write_name(name, out)?;
    let found = keep(raw, cursors, out)?;
    if !found.contains(&Found::Written) {
        out.truncate(before);
    }
    Ok(found)
}

fn array(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<Found>, serde_json::Error> {
    let in_first = Cursor::in_element(cursors, true);
    let in_others = Cursor::in_element(cursors, false);
    let mut result = Ok(());
    let mut found_in_first = Vec::new();
    let mut first = true;
    out.push('[');
    each_element(value, &mut |element| {
        let below = if first { &in_first } else { &in_others };
        if result.is_ok() && !below.is_empty() {
            let before = out.len();
            if !out.ends_with('[') {
                out.push(',');
            }
            match keep(element, below, out) {
                Ok(found) => {
                    // An object stays in its place, even an empty one.
                    if !found.contains(&Found::Written) && !element.starts_with('{') {
                        out.truncate(before);
                    }
                    if first {
                        found_in_first = found;
                    }
                }
                Err(error) => result = Err(error),
            }
        }
        first = false;
    })?;
    result?;
    out.push(']');
    // Those of every element come first there; that the array is there is enough for them.
    let each = cursors.iter().filter(|cursor| cursor.each().is_some());
    let mut on = found_in_first.into_iter().skip(each.count());
    Ok(cursors
        .iter()
        .map(|cursor| {
            if cursor.each().is_some() {
                Found::Written
            } else if cursor.enters_first() {
                on.next().unwrap_or(Found::Nothing)
            } else {
                Found::Nothing
            }
        })
        .collect())
}
