//! Key paths: how a name with dots finds fields inside an item.

mod walk;

pub(crate) use walk::{any_element, each_member, member};

/// A path such as `metadata.labels.app.kubernetes.io/name`,
/// `metadata.annotations["a.b/c"]` or `spec.containers[].image`.
///
/// Walking it through a value:
/// - an object is entered at the member named by the next segment; when that
///   walk comes to nothing, the member named by the *whole* remaining path is
///   taken, so `spec.selector.matchLabels.app.kubernetes.io/name` finds its key;
/// - an array is entered at its first element, and by `[]` at every element;
/// - after a segment named `labels` or `annotations` and a dot the rest, dots
///   and slashes included, is one key;
/// - `[key]` and `["key"]` (a JSON string) are one key wherever they stand.
///
/// Segments are case-sensitive and there is no index syntax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath {
    /// As it was written, up to the first `[]`.
    text: Box<str>,
    /// Up to the first `[]`. Only what follows a `[]` may have none: there it
    /// stands for the element itself.
    steps: Vec<Step>,
    /// Behind the first `[]`: what is taken from every element.
    each: Option<Box<KeyPath>>,
}

/// One object on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The member that leads on.
    pub(crate) name: Box<str>,
    /// The member that ends the path here, when `name` leads to nothing.
    pub(crate) rest: Box<str>,
}

/// Why a text is no path by the strict rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    /// The byte of the text.
    pub(crate) at: usize,
    /// What is wrong there, as the end of a sentence.
    pub(crate) problem: &'static str,
}

/// Deeper than any Kubernetes object. What follows the last step of a longer
/// path is one key, which bounds the memory that a hostile query can take.
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
            Self::read(text).unwrap_or_else(|_| Self::literal(text))
        } else {
            Self::literal(text)
        }
    }

    /// Reads a path strictly: no empty segments, no stray brackets, no more
    /// than [`MAX_STEPS`] segments and [`MAX_EACH`] `[]`.
    pub(crate) fn read(text: &str) -> Result<Self, PathError> {
        Reader {
            whole: text,
            steps: 0,
            each: 0,
        }
        .path(text, true)
    }

    /// Segments between dots and nothing else.
    fn literal(text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut rest = text;
        let mut in_flat_map = false;
        while let Some((name, tail)) = rest.split_once('.') {
            if in_flat_map || steps.len().saturating_add(1) >= MAX_STEPS {
                break;
            }
            steps.push(Step::new(name, rest));
            in_flat_map = FLAT_MAPS.contains(&name);
            rest = tail;
        }
        steps.push(Step::new(rest, rest));
        Self {
            text: text.into(),
            steps,
            each: None,
        }
    }

    /// The way to the field, or to the array of the first `[]`.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The path as it was written, up to the first `[]`.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same path inside a member of this name.
    pub(crate) fn inside(self, name: &str) -> Self {
        let text = format!("{name}.{}", self.text);
        let mut steps = vec![Step::new(name, &text)];
        steps.extend(self.steps);
        Self {
            text: text.into(),
            steps,
            each: self.each,
        }
    }

    /// What is taken from every element of the array, if the path has a `[]`.
    pub(crate) fn each(&self) -> Option<&KeyPath> {
        self.each.as_deref()
    }

    pub(crate) fn into_each(self) -> Option<Box<KeyPath>> {
        self.each
    }
}

// === impl Step ===

impl Step {
    fn new(name: &str, rest: &str) -> Self {
        Self {
            name: name.into(),
            rest: rest.into(),
        }
    }
}

// === Reading strictly ===

/// What has been read of a whole path, against the bounds.
struct Reader<'t> {
    whole: &'t str,
    steps: usize,
    each: usize,
}

impl Reader<'_> {
    /// Reads a path from its first segment or, with `named` false, bracket on.
    fn path(&mut self, text: &str, mut named: bool) -> Result<KeyPath, PathError> {
        // Each with the text that remains where it begins.
        let mut names: Vec<(String, &str)> = Vec::new();
        let mut rest = text;
        let mut in_flat_map = false;
        let each = loop {
            if named {
                let end = if in_flat_map {
                    None
                } else {
                    rest.find(['.', '[', ']'])
                };
                let (name, tail) = end
                    .and_then(|end| rest.split_at_checked(end))
                    .unwrap_or((rest, ""));
                if name.is_empty() {
                    return Err(self.problem(rest, "a name is expected"));
                }
                self.count_step(rest)?;
                names.push((name.to_owned(), rest));
                in_flat_map = FLAT_MAPS.contains(&name);
                rest = tail;
            }
            if rest.is_empty() {
                break None;
            }
            if let Some(tail) = rest.strip_prefix('.') {
                rest = tail;
                named = true;
            } else if let Some(tail) = rest.strip_prefix("[]") {
                break Some(Box::new(self.each(rest, tail)?));
            } else if let Some(tail) = rest.strip_prefix('[') {
                let (key, tail) = self.key(tail)?;
                self.count_step(rest)?;
                names.push((key, rest));
                in_flat_map = false;
                named = false;
                rest = tail;
            } else {
                return Err(
                    self.problem(rest, "a dot, a bracket or the end of the path is expected")
                );
            }
        };
        let text = match each {
            Some(_) => text.strip_suffix(rest).unwrap_or(text),
            None => text,
        };
        let behind = if each.is_some() { rest } else { "" };
        let last = names.len().saturating_sub(1);
        let steps = names
            .iter()
            .enumerate()
            .map(|(index, (name, remaining))| {
                let remaining = remaining.strip_suffix(behind).unwrap_or(remaining);
                Step::new(name, if index == last { name } else { remaining })
            })
            .collect();
        Ok(KeyPath {
            text: text.into(),
            steps,
            each,
        })
    }

    /// What follows a `[]`.
    fn each(&mut self, at: &str, tail: &str) -> Result<KeyPath, PathError> {
        self.each = self.each.saturating_add(1);
        if self.each > MAX_EACH {
            return Err(self.problem(at, "a path may have at most 4 `[]`"));
        }
        match tail.strip_prefix('.') {
            Some(names) => self.path(names, true),
            None if tail.is_empty() => Ok(KeyPath::default()),
            None => self.path(tail, false),
        }
    }

    /// A key up to its closing bracket, and what follows that.
    fn key<'t>(&self, text: &'t str) -> Result<(String, &'t str), PathError> {
        let (key, tail) = if text.starts_with('"') {
            json_string(text)
                .ok_or_else(|| self.problem(text, "the quoted key is no complete JSON string"))?
        } else {
            let (key, _) = text
                .split_once(']')
                .ok_or_else(|| self.problem(text, "the bracket is never closed"))?;
            let tail = text.strip_prefix(key).unwrap_or_default();
            (key.to_owned(), tail)
        };
        let tail = tail
            .strip_prefix(']')
            .ok_or_else(|| self.problem(tail, "a closing bracket is expected"))?;
        Ok((key, tail))
    }

    fn count_step(&mut self, at: &str) -> Result<(), PathError> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MAX_STEPS {
            return Err(self.problem(at, "a path may have at most 64 segments"));
        }
        Ok(())
    }

    fn problem(&self, rest: &str, problem: &'static str) -> PathError {
        PathError {
            at: self.whole.len().saturating_sub(rest.len()),
            problem,
        }
    }
}

/// The JSON string that a text begins with, decoded, and what follows it.
pub(crate) fn json_string(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let string = strings.next()?.ok()?;
    let (_, tail) = text.split_at_checked(strings.byte_offset())?;
    Some((string, tail))
}

#[cfg(test)]
mod tests;
