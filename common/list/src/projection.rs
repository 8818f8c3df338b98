//! What of each item is on the page: the parameters `fields` and `strip`.

mod keep;
mod strip;

use std::borrow::Cow;
use std::ops::Range;

use crate::error::QueryError;
use crate::filter::path_token;
use crate::path::{Elements, KeyPath};
use crate::raw::Raw;
use crate::strict;
use crate::table;
use crate::work::Work;

/// Which fields of an item are on the page. The default leaves it as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// Nothing but these, if there are any.
    fields: Vec<KeyPath>,
    /// Everything but these.
    strip: Vec<KeyPath>,
}

const MAX_PATHS: usize = 64;

/// What says what an item is, and stays whatever `fields` names.
const IDENTITY: [&str; 4] = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];

/// The short names that `strip` knows. Any other path has more than one
/// segment, so that a misspelt short name is an error and does not strip nothing.
const SHORT_NAMES: [(&str, &str); 7] = [
    ("managedFields", "metadata.managedFields"),
    ("annotations", "metadata.annotations"),
    ("labels", "metadata.labels"),
    ("ownerReferences", "metadata.ownerReferences"),
    ("spec", "spec"),
    ("status", "status"),
    ("data", "data"),
];

/// A path, and how far it has been followed.
#[derive(Clone, Copy, Debug)]
struct Cursor<'p> {
    path: &'p KeyPath,
    step: usize,
}

/// What cursors mean in the elements of an array, by the places of these.
#[derive(Debug)]
struct Places<'c, 'p> {
    cursors: &'c [Cursor<'p>],
    first: Vec<Cursor<'p>>,
    /// In those that are not named by their place.
    others: Vec<Cursor<'p>>,
    /// The last place that is named.
    one_by_one: Option<usize>,
    /// The last one that anything is meant in, if there is one.
    last: Option<usize>,
}

// === impl Projection ===

impl Projection {
    /// Reads decoded values of `fields` and `strip`; a blank one asks for nothing.
    ///
    /// # Errors
    ///
    /// Says where a value is no list of paths, and what is expected there.
    pub fn parse(fields: &str, strip: &str) -> Result<Self, QueryError> {
        let mut fields = paths("fields", fields, |token| Some(Cow::Borrowed(token)))?;
        let strip = paths("strip", strip, |token| {
            let short = SHORT_NAMES.iter().find(|(short, _)| *short == token);
            match short {
                Some((_, path)) => Some(Cow::Borrowed(*path)),
                None => token.contains(['.', '[']).then_some(Cow::Borrowed(token)),
            }
        })?;
        if !fields.is_empty() {
            fields.extend(IDENTITY.map(KeyPath::parse));
        }
        Ok(Self { fields, strip })
    }

    /// Everything but these fields, each a path as in `selector=`.
    pub fn without(paths: &[&str]) -> Self {
        Self {
            fields: Vec::new(),
            strip: paths.iter().map(|path| KeyPath::parse(path)).collect(),
        }
    }

    /// The same for the rows of a Table, whose cells stay.
    pub(crate) fn in_rows(&self) -> Self {
        let inside = |paths: &[KeyPath]| -> Vec<KeyPath> {
            let paths = paths.iter();
            paths.map(|path| path.inside(table::OBJECT)).collect()
        };
        let mut fields = inside(&self.fields);
        if !fields.is_empty() {
            fields.push(KeyPath::parse(table::CELLS));
        }
        Self {
            fields,
            strip: inside(&self.strip),
        }
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let paths = self.fields.iter().chain(&self.strip);
        paths.fold(0, |bytes: usize, path| {
            bytes
                .saturating_add(size_of_val(path))
                .saturating_add(path.held_bytes())
        })
    }

    /// Returns whether it leaves every item as it came.
    pub fn is_identity(&self) -> bool {
        self.fields.is_empty() && self.strip.is_empty()
    }

    /// Returns what remains of an item. Values that stay whole stay byte for byte, and an item
    /// that is no object stays as it is.
    ///
    /// # Errors
    ///
    /// The item is no JSON, so that nobody knows what it holds.
    pub fn apply<'a>(&self, item: &'a [u8]) -> Result<Cow<'a, [u8]>, serde_json::Error> {
        strict::check(item)?;
        Ok(self.apply_within(item, &Work::unlimited()))
    }

    /// The same of an item that is known to be JSON, within a budget. Once that is spent
    /// the result means nothing.
    pub(crate) fn apply_within<'a>(&self, item: &'a [u8], work: &Work) -> Cow<'a, [u8]> {
        let mut item = Cow::Borrowed(item);
        if !item.trim_ascii_start().starts_with(b"{") {
            return item;
        }
        if !self.fields.is_empty() {
            let mut out = Vec::new();
            let (kept, _) = keep::resolve(item.trim_ascii(), &Cursor::all(&self.fields), work);
            kept.write(&mut out);
            item = Cow::Owned(out);
        }
        if !self.strip.is_empty() {
            let mut out = Vec::new();
            if strip::strip(item.trim_ascii(), &Cursor::all(&self.strip), work, &mut out) {
                item = Cow::Owned(out);
            }
        }
        item
    }
}

/// A list of paths; `full` gives the path that a token stands for.
fn paths<'t>(
    parameter: &'static str,
    text: &'t str,
    full: impl Fn(&'t str) -> Option<Cow<'t, str>>,
) -> Result<Vec<KeyPath>, QueryError> {
    let error = |rest: &str, problem: &str| QueryError::at(parameter, text, rest, problem);
    let mut paths = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Ok(paths);
    }
    loop {
        if paths.len() >= MAX_PATHS {
            return Err(error(rest, "there may be 64 paths at most"));
        }
        let (token, tail) = path_token(rest);
        let path = full(token).ok_or_else(|| {
            error(
                rest,
                "managedFields, annotations, labels, ownerReferences, spec, status, data or a path with a dot is expected",
            )
        })?;
        let path = KeyPath::read(&path).map_err(|problem| {
            error(rest.get(problem.at..).unwrap_or_default(), problem.problem)
        })?;
        paths.push(path);
        rest = tail.trim_start();
        if rest.is_empty() {
            return Ok(paths);
        }
        rest = rest
            .strip_prefix(',')
            .ok_or_else(|| error(rest, "a comma or the end is expected"))?
            .trim_start();
    }
}

// === impl Cursor ===

impl<'p> Cursor<'p> {
    fn all(paths: &'p [KeyPath]) -> Vec<Self> {
        paths.iter().map(|path| Self { path, step: 0 }).collect()
    }

    /// Returns whether the member of this name leads on from here.
    fn leads_by(&self, name: &str) -> bool {
        self.path.steps().leads_by(self.step, name)
    }

    /// Returns whether the rest of the path names this member as a whole.
    fn ends_by(&self, name: &str) -> bool {
        self.path.steps().ends_by(self.step, name)
    }

    fn next(self) -> Self {
        Self {
            step: self.step.saturating_add(1),
            ..self
        }
    }

    /// As it is where the path, or its part up to a `[]`, ends.
    fn end(self) -> Self {
        Self {
            step: self.path.steps().len(),
            ..self
        }
    }

    /// The path ends here: the value is meant as a whole.
    fn is_whole(&self) -> bool {
        self.step >= self.path.steps().len() && self.path.each().is_none()
    }

    /// Returns which elements of this array are meant.
    fn each(&self) -> Option<&'p Elements> {
        let here = self.step >= self.path.steps().len();
        self.path.each().filter(|_| here)
    }

    /// Returns what is meant in the element at this place of the array.
    fn each_at(&self, place: usize) -> Option<Self> {
        let path = &self.each().filter(|each| each.has(place))?.path;
        Some(Self { path, step: 0 })
    }

    /// A path without `[]` here goes on in the first element. At its very
    /// beginning it is meant for an object.
    fn enters_first(&self) -> bool {
        self.step > 0 && self.step < self.path.steps().len()
    }

    /// The cursors that are meant for the element of an array at this place.
    fn in_element(cursors: &[Self], place: usize) -> Vec<Self> {
        let each = cursors.iter().filter_map(|cursor| cursor.each_at(place));
        let on = cursors
            .iter()
            .filter(|cursor| place == 0 && cursor.enters_first())
            .copied();
        each.chain(on).collect()
    }
}

// === impl Places ===

impl<'c, 'p> Places<'c, 'p> {
    /// `None` if no cursor names elements of this array.
    fn of(cursors: &'c [Cursor<'p>]) -> Option<Self> {
        let named = || cursors.iter().filter_map(Cursor::each);
        named().next()?;
        let one_by_one = named().filter_map(|each| each.only).max();
        Some(Self {
            cursors,
            first: Cursor::in_element(cursors, 0),
            others: Cursor::in_element(cursors, usize::MAX),
            one_by_one,
            last: one_by_one.filter(|_| named().all(|each| each.only.is_some())),
        })
    }

    /// Returns the cursors for the element at a place.
    fn at(&self, place: usize) -> Cow<'_, [Cursor<'p>]> {
        if place == 0 {
            Cow::Borrowed(&self.first)
        } else if self.one_by_one.is_some_and(|last| place <= last) {
            Cow::Owned(Cursor::in_element(self.cursors, place))
        } else {
            Cow::Borrowed(&self.others)
        }
    }

    /// Returns whether nothing is meant from here on.
    fn end_before(&self, place: usize) -> bool {
        self.last.is_some_and(|last| place > last)
    }
}

/// Writes a member's name as a new one would be written.
fn write_name(name: &str, out: &mut Vec<u8>) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    out.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
    out.push(b':');
}

/// Returns the first element of an array, or of the arrays that it begins with, which is none
/// itself: in how many arrays it is, and where.
fn innermost_first(array: &[u8]) -> Option<(usize, Range<usize>)> {
    let mut raw = Raw::new(array);
    let mut arrays = 0_usize;
    while raw.enter_array() {
        arrays = arrays.saturating_add(1);
        if !raw.element() {
            return None;
        }
    }
    Some((arrays, raw.value()))
}

#[cfg(test)]
mod tests;
