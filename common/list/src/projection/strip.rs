//! Writing a value without some of its fields.

use super::{Cursor, Places, innermost_first, write_name};
use crate::path::each_member;
use crate::raw::Raw;
use crate::work::{STEP, TEST, Work};

/// Writes the value without what the cursors mean; `false` if there is nothing
/// of it in the value, and then what was written does not matter.
///
/// Afterwards no path finds anything: members of the same name go all, and so
/// does one that is called like the whole rest of a path. This calls itself along the
/// paths, and no deeper.
pub(super) fn strip(value: &[u8], cursors: &[Cursor<'_>], work: &Work, out: &mut Vec<u8>) -> bool {
    work.charge((value.len() / 2).saturating_add(STEP));
    if work.is_spent() {
        return false;
    }
    match value.first() {
        Some(b'{') => object(value, cursors, work, out),
        Some(b'[') => array(value, cursors, work, out),
        _ => false,
    }
}

fn object(value: &[u8], cursors: &[Cursor<'_>], work: &Work, out: &mut Vec<u8>) -> bool {
    let mut stripped = false;
    out.push(b'{');
    each_member(value, &mut |name, raw| {
        work.charge(cursors.len().saturating_mul(16).saturating_add(TEST));
        if work.is_spent() {
            return;
        }
        let on = cursors
            .iter()
            .filter(|cursor| cursor.leads_by(&name))
            .map(|cursor| cursor.next());
        let ended = cursors
            .iter()
            .filter(|cursor| cursor.ends_by(&name))
            .map(|cursor| cursor.end());
        let below: Vec<Cursor<'_>> = on.chain(ended).collect();
        if below.iter().any(Cursor::is_whole) {
            stripped = true;
            return;
        }
        write_name(&name, out);
        stripped |= rewritten(raw, &below, work, out);
    });
    out.push(b'}');
    stripped
}

fn array(value: &[u8], cursors: &[Cursor<'_>], work: &Work, out: &mut Vec<u8>) -> bool {
    let Some(places) = Places::of(cursors) else {
        return first(value, &Cursor::in_element(cursors, 0), work, out);
    };
    let mut stripped = false;
    let mut place = 0_usize;
    let mut raw = Raw::new(value);
    raw.enter_array();
    out.push(b'[');
    while raw.element() && !work.is_spent() {
        let element = raw.text();
        work.charge(cursors.len().saturating_mul(16).saturating_add(TEST));
        let below = places.at(place);
        if below.iter().any(Cursor::is_whole) {
            stripped = true;
        } else {
            if !out.ends_with(b"[") {
                out.push(b',');
            }
            stripped |= rewritten(element, &below, work, out);
        }
        place = place.saturating_add(1);
    }
    out.push(b']');
    stripped
}

/// An array without a `[]`: in arrays in arrays it is about the innermost first element.
fn first(value: &[u8], cursors: &[Cursor<'_>], work: &Work, out: &mut Vec<u8>) -> bool {
    if cursors.is_empty() {
        return false;
    }
    let Some((_, place)) = innermost_first(value) else {
        return false;
    };
    out.extend_from_slice(value.get(..place.start).unwrap_or_default());
    let element = value.get(place.clone()).unwrap_or_default();
    let stripped = rewritten(element, cursors, work, out);
    out.extend_from_slice(value.get(place.end..).unwrap_or_default());
    stripped
}

/// A part of the value: stripped if there is something to strip, else as it came.
fn rewritten(raw: &[u8], cursors: &[Cursor<'_>], work: &Work, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    if !cursors.is_empty() && strip(raw, cursors, work, out) {
        return true;
    }
    out.truncate(before);
    out.extend_from_slice(raw);
    false
}
