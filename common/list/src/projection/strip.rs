//! Writing a value without some of its fields.

use super::{Cursor, write_name};
use crate::path::{each_element, each_member};

/// Writes the value without what the cursors mean; `false` if there is nothing
/// of it in the value, and then what was written does not matter.
///
/// Afterwards no path finds anything: members of the same name go all, and so
/// does one that is called like the whole rest of a path.
pub(super) fn strip(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<bool, serde_json::Error> {
    match value.as_bytes().first() {
        Some(b'{') => object(value, cursors, out),
        Some(b'[') => array(value, cursors, out),
        _ => Ok(false),
    }
}

fn object(
    value: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<bool, serde_json::Error> {
    let mut result = Ok(false);
    out.push('{');
    each_member(value, &mut |name, raw| {
        let on = cursors
            .iter()
            .filter(|cursor| cursor.name() == Some(&name))
            .map(|cursor| cursor.next());
        let ended = cursors
            .iter()
            .filter(|cursor| cursor.rest() == Some(&name))
            .map(|cursor| cursor.end());
        let below: Vec<Cursor<'_>> = on.chain(ended).collect();
        result = match result {
            Ok(_) if below.iter().any(Cursor::is_whole) => Ok(true),
            Ok(already) => write_name(&name, out)
                .and_then(|()| rewritten(raw, &below, out))
                .map(|now| already || now),
            Err(ref error) => Err(serde::ser::Error::custom(error)),
        };
    })?;
    out.push('}');
    result
}

fn array(value: &str, cursors: &[Cursor<'_>], out: &mut String) -> Result<bool, serde_json::Error> {
    let in_first = Cursor::in_element(cursors, true);
    let in_others = Cursor::in_element(cursors, false);
    let mut result = Ok(false);
    let mut first = true;
    out.push('[');
    each_element(value, &mut |element| {
        let below = if first { &in_first } else { &in_others };
        first = false;
        result = match result {
            Ok(_) if below.iter().any(Cursor::is_whole) => Ok(true),
            Ok(already) => {
                if !out.ends_with('[') {
                    out.push(',');
                }
                rewritten(element, below, out).map(|now| already || now)
            }
            Err(ref error) => Err(serde::ser::Error::custom(error)),
        };
    })?;
    out.push(']');
    result
}

/// A part of the value: stripped if there is something to strip, else as it came.
fn rewritten(
    raw: &str,
    cursors: &[Cursor<'_>],
    out: &mut String,
) -> Result<bool, serde_json::Error> {
    let before = out.len();
    if !cursors.is_empty() && strip(raw, cursors, out)? {
        return Ok(true);
    }
    out.truncate(before);
    out.push_str(raw);
    Ok(false)
}
