//! Key paths: how a name with dots finds fields inside an item.

mod jsonpath;
mod read;
mod walk;

use std::sync::Arc;

use crate::work::Work;

pub(crate) use read::json_string;
pub(crate) use walk::{any_element, each_member, member};

/// A path such as `metadata.labels.app.kubernetes.io/name`,
/// `metadata.annotations["a.b/c"]` or `spec.containers[].image`.
///
/// Walking it through a value:
/// - an object is entered at the member named by the next segment; when that
///   walk comes to nothing, the member named by the *whole* remaining path is
///   taken, so `spec.selector.matchLabels.app.kubernetes.io/name` finds its key;
/// - an array is entered at its first element, by `[]` at every element, and where the
///   path is read strictly by `[2]` at the one of this place;
/// - after a segment named `labels` or `annotations` and a dot the rest, dots
///   and slashes included, is one key;
/// - `[key]` and `["key"]` (a JSON string) are one key wherever they stand.
///
/// Segments are case-sensitive.
///
/// A copy is the same path and takes no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Arc<Path>);

/// It holds each of its texts once: with 64 steps, each of which knows all that remains,
/// it would otherwise be many times as large as it was written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Path {
    /// As it was written, up to the first `[]`, and behind that the quoted keys that
    /// stand there with escapes, decoded.
    text: Box<str>,
    /// How much of the text was written.
    written: usize,
    /// Up to the first `[]`. Only what follows a `[]` may have none: there it
    /// stands for the element itself.
    steps: Box<[PathStep]>,
    /// Behind the first `[]`: what is taken of the array.
    each: Option<Elements>,
}

/// What is taken of an array: of every element, or of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elements {
    /// From here on.
    pub(crate) path: KeyPath,
    /// The place of the only element, counted from 0.
    pub(crate) only: Option<usize>,
}

/// One object on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathStep {
    /// The member that leads on.
    pub(crate) name: Part,
    /// The member that ends the path here, when `name` leads to nothing.
    pub(crate) rest: Part,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The two members that a step names.
#[derive(Clone, Copy, Debug)]
struct Names<'p> {
    name: &'p [u8],
    rest: &'p [u8],
}

/// The way to a field, from some step on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps<'p> {
    text: &'p [u8],
    steps: &'p [PathStep],
}

/// Why a text is no path by the strict rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    /// The byte of the text.
    pub(crate) at: usize,
    /// What is wrong there, as the end of a sentence.
    pub(crate) problem: &'static str,
}

/// By which rules brackets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    /// `[0]` is a key.
    Lenient,
    /// `[0]` is an element of an array, and a path may begin with a bracket.
    Strict,
}

/// Deeper than any Kubernetes object. What follows the last step of a longer
/// path is one key.
pub(crate) const MAX_STEPS: usize = 64;

/// The `[]` of one path: each of them reads its array once more.
pub(crate) const MAX_EACH: usize = 4;

/// Segments whose values are flat maps with dots in their keys.
const FLAT_MAPS: [&str; 2] = ["labels", "annotations"];

// === impl KeyPath ===

impl KeyPath {
    /// Every text is a path; one that fits no item finds nothing. Brackets that
    /// are not well formed are letters like others, as they are in KubeCube.
    pub fn parse(text: &str) -> Self {
        if text.contains('[') {
            read::path(text, Grammar::Lenient).unwrap_or_else(|_| Self::literal(text))
        } else {
            Self::literal(text)
        }
    }

    /// Reads a path strictly: no empty segments, no stray brackets, no more
    /// than [`MAX_STEPS`] segments and [`MAX_EACH`] `[]`. What kubectl's JSONPath writes
    /// otherwise is read, too, as far as it names fields.
    pub(crate) fn read(text: &str) -> Result<Self, PathError> {
        let plain = jsonpath::translate(text)?;
        let path = read::path(plain.text(), Grammar::Strict);
        path.map_err(|error| PathError {
            at: plain.origin_of(error.at),
            ..error
        })
    }

    /// Segments between dots and nothing else.
    fn literal(text: &str) -> Self {
        let end = text.len();
        let mut steps: Vec<PathStep> = Vec::new();
        let mut rest = text;
        let mut in_flat_map = false;
        while let Some((name, tail)) = rest.split_once('.') {
            if in_flat_map || steps.len().saturating_add(1) >= MAX_STEPS {
                break;
            }
            let start = end.saturating_sub(rest.len());
            steps.push(PathStep {
                name: Part::new(start, name.len()),
                rest: Part { start, end },
            });
            in_flat_map = FLAT_MAPS.contains(&name);
            rest = tail;
        }
        let start = end.saturating_sub(rest.len());
        steps.push(PathStep::whole(Part { start, end }));
        Self(Arc::new(Path {
            text: text.into(),
            written: end,
            steps: steps.into(),
            each: None,
        }))
    }

    /// Returns the way to the field, or to the array of the first `[]`.
    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps {
            text: self.0.text.as_bytes(),
            steps: &self.0.steps,
        }
    }

    /// The members that lead to the field, or to the array of the first `[]`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let steps = self.0.steps.iter();
        steps.map(|step| step.name.of(&self.0.text))
    }

    /// The path as it was written, up to the first `[]`.
    pub(crate) fn text(&self) -> &str {
        let written = Part::new(0, self.0.written);
        written.of(&self.0.text)
    }

    /// The same path inside a member of this name.
    pub(crate) fn inside(&self, name: &str) -> Self {
        let before = name.len().saturating_add(1);
        let written = self.0.written.saturating_add(before);
        let first = PathStep {
            name: Part::new(0, name.len()),
            rest: Part::new(0, written),
        };
        let steps = self.0.steps.iter().map(|step| step.behind(before));
        Self(Arc::new(Path {
            text: format!("{name}.{}", self.0.text).into(),
            written,
            steps: [first].into_iter().chain(steps).collect(),
            each: self.0.each.clone(),
        }))
    }

    /// Returns what is taken of the array, if the path has a `[]`.
    pub(crate) fn each(&self) -> Option<&Elements> {
        self.0.each.as_ref()
    }

    /// Returns the memory that it takes, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        let steps = size_of_val(&*self.0.steps);
        let each = self.each().map_or(0, |each| each.path.held_bytes());
        size_of::<Path>()
            .saturating_add(self.0.text.len())
            .saturating_add(steps)
            .saturating_add(each)
    }
}

// === impl Elements ===

impl Elements {
    /// Shows every element that is meant until one satisfies; what is no array has none.
    pub(crate) fn any<'a>(
        &self,
        array: &'a [u8],
        work: &Work,
        visit: &mut dyn FnMut(&'a [u8]) -> bool,
    ) -> bool {
        let Some(only) = self.only else {
            return any_element(array, work, visit);
        };
        let mut place = 0_usize;
        let mut holds = false;
        any_element(array, work, &mut |element| {
            let is_here = place == only;
            holds = is_here && visit(element);
            place = place.saturating_add(1);
            is_here
        });
        holds
    }

    /// Returns whether the element at this place is meant.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.only.is_none_or(|only| only == place)
    }
}

// === impl PathStep ===

impl PathStep {
    /// The last one: nothing remains but its name.
    fn whole(name: Part) -> Self {
        Self { name, rest: name }
    }

    /// The same in a text with so much before it.
    pub(crate) fn behind(self, before: usize) -> Self {
        Self {
            name: self.name.behind(before),
            rest: self.rest.behind(before),
        }
    }
}

// === impl Part ===

impl Part {
    pub(crate) fn new(start: usize, len: usize) -> Self {
        let end = start.saturating_add(len);
        Self { start, end }
    }

    fn behind(self, before: usize) -> Self {
        Self {
            start: self.start.saturating_add(before),
            end: self.end.saturating_add(before),
        }
    }

    pub(crate) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn of_bytes(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

// === impl Steps ===

impl<'p> Steps<'p> {
    pub(crate) fn len(self) -> usize {
        self.steps.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.steps.is_empty()
    }

    /// Returns what the parts of the steps are of.
    pub(crate) fn text(self) -> &'p [u8] {
        self.text
    }

    pub(crate) fn all(self) -> &'p [PathStep] {
        self.steps
    }

    /// Returns the names of the first one, and those that follow it.
    fn split_first(self) -> Option<(Names<'p>, Self)> {
        let (first, steps) = self.steps.split_first()?;
        let names = Names {
            name: first.name.of_bytes(self.text),
            rest: first.rest.of_bytes(self.text),
        };
        Some((names, Self { steps, ..self }))
    }

    /// Returns whether the member of this name leads on from a step.
    pub(crate) fn leads_by(self, step: usize, name: &str) -> bool {
        let step = self.steps.get(step);
        step.is_some_and(|step| step.name.of_bytes(self.text) == name.as_bytes())
    }

    /// Returns whether the member of this name is what a step and all that follow it name
    /// together.
    pub(crate) fn ends_by(self, step: usize, name: &str) -> bool {
        let step = self.steps.get(step);
        let step = step.filter(|step| step.rest != step.name);
        step.is_some_and(|step| step.rest.of_bytes(self.text) == name.as_bytes())
    }
}

#[cfg(test)]
mod tests;
