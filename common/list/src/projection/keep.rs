//! Writing nothing but some fields of a value.

use std::collections::BTreeSet;

use super::{Cursor, write_name};
use crate::path::{each_element, each_member};

/// Writes what the cursors mean, and says of each whether it is there.
pub(super) fn keep(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<bool>, serde_json::Error> {
    if cursors.iter().any(Cursor::is_whole) {
        out.push_str(value);
        return Ok(vec![true; cursors.len()]);
    }
    match value.as_bytes().first() {
        Some(b'{') => object(value, cursors, out),
        Some(b'[') => array(value, cursors, out),
        _ => Ok(vec![false; cursors.len()]),
    }
}

fn object(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<bool>, serde_json::Error> {
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

    let mut found = vec![false; cursors.len()];
    let mut written: BTreeSet<&str> = BTreeSet::new();
    out.push('{');
    for (name, raw) in &members {
        let on = |cursor: &Cursor<'_>| cursor.name() == Some(name);
        let below: Vec<Cursor<'_>> = cursors
            .iter()
            .filter(|cursor| on(cursor))
            .map(|cursor| cursor.next())
            .collect();
        if below.is_empty() {
            continue;
        }
        let before = out.len();
        write_name(name, out)?;
        let below = keep(raw, &below, out)?;
        if below.contains(&true) {
            written.insert(name);
        } else {
            out.truncate(before);
        }
        let here = cursors.iter().zip(&mut found);
        let here = here.filter(|(cursor, _)| on(cursor));
        for ((_, found), below) in here.zip(below) {
            *found |= below;
        }
    }
    // Paths that came to nothing may name one of these members as a whole.
    for (cursor, found) in cursors.iter().zip(&mut found) {
        let rest = cursor.rest().filter(|_| !*found);
        let member = members.iter().find(|(name, _)| rest == Some(name));
        let Some((name, raw)) = member else {
            continue;
        };
        if !written.insert(name) {
            *found = true;
            continue;
        }
        let before = out.len();
        write_name(name, out)?;
        *found = keep(raw, &[cursor.end()], out)?.contains(&true);
        if !*found {
            out.truncate(before);
        }
    }
    out.push('}');
    Ok(found)
}

fn array(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<Vec<bool>, serde_json::Error> {
    let in_first = Cursor::in_element(cursors, true);
    let in_others = Cursor::in_element(cursors, false);
    let mut result = Ok(());
    let mut found_in_first = Vec::new();
    let mut first = true;
    out.push('[');
    each_element(value, &mut |element| {
        let below = if first { &in_first } else { &in_others };
        if below.is_empty() || result.is_err() {
            return;
        }
        let before = out.len();
        if !out.ends_with('[') {
            out.push(',');
        }
        let start = out.len();
        match keep(element, below, out) {
            Ok(found) => {
                // An object stays in its place, even an empty one.
                if out.len() == start || (!found.contains(&true) && !element.starts_with('{')) {
                    out.truncate(before);
                }
                if first {
                    found_in_first = found;
                }
            }
            Err(error) => result = Err(error),
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
            cursor.each().is_some() || (cursor.enters_first() && on.next().unwrap_or(false))
        })
        .collect())
}
