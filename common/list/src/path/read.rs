//! Reading a path strictly, with brackets.

use std::borrow::Cow;
use std::sync::Arc;

use super::{
    Elements, FLAT_MAPS, Grammar, KeyPath, MAX_EACH, MAX_STEPS, Part, Path, PathError, PathStep,
};

/// What has been read of a whole path, against the bounds.
struct Reader<'t> {
    whole: &'t str,
    grammar: Grammar,
    steps: usize,
    each: usize,
}

/// Where the name of a step stands.
enum Name {
    /// In what was written.
    Written(Part),
    /// Among the decoded keys.
    Decoded(Part),
}

/// Reads a path that goes up to the end of the text.
pub(super) fn path(text: &str, grammar: Grammar) -> Result<KeyPath, PathError> {
    let mut reader = Reader {
        whole: text,
        grammar,
        steps: 0,
        each: 0,
    };
    let begins_with_key =
        grammar == Grammar::Strict && text.starts_with('[') && reader.elements(text).is_none();
    reader.path(text, !begins_with_key)
}

// === impl Reader ===

impl Reader<'_> {
    /// Reads a path from its first segment or, with `named` false, bracket on.
    fn path(&mut self, text: &str, mut named: bool) -> Result<KeyPath, PathError> {
        // Where in the text the name of each begins, and what remains there.
        let mut steps: Vec<(Name, usize)> = Vec::new();
        let mut decoded = String::new();
        let mut rest = text;
        let mut in_flat_map = false;
        let at = |rest: &str| text.len().saturating_sub(rest.len());
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
                steps.push((Name::Written(Part::new(at(rest), name.len())), at(rest)));
                in_flat_map = FLAT_MAPS.contains(&name);
                rest = tail;
            }
            if rest.is_empty() {
                break None;
            }
            if let Some(tail) = rest.strip_prefix('.') {
                rest = tail;
                named = true;
            } else if let Some((only, tail)) = self.elements(rest) {
                let path = self.each(rest, tail)?;
                break Some(Elements { path, only });
            } else if let Some(inner) = rest.strip_prefix('[') {
                let (key, tail) = self.key(inner)?;
                self.count_step(rest)?;
                let name = match key {
                    Cow::Borrowed(key) => Name::Written(Part::new(at(inner), key.len())),
                    Cow::Owned(key) => {
                        let part = Part::new(decoded.len(), key.len());
                        decoded.push_str(&key);
                        Name::Decoded(part)
                    }
                };
                steps.push((name, at(rest)));
                in_flat_map = false;
                named = false;
                rest = tail;
            } else {
                return Err(
                    self.problem(rest, "a dot, a bracket or the end of the path is expected")
                );
            }
        };
        let written = if each.is_some() { at(rest) } else { text.len() };
        let last = steps.len().saturating_sub(1);
        let steps = steps.iter().enumerate().map(|(index, (name, start))| {
            let name = match name {
                Name::Written(part) => *part,
                Name::Decoded(part) => part.behind(written),
            };
            let rest = Part {
                start: *start,
                end: written,
            };
            PathStep {
                name,
                rest: if index == last { name } else { rest },
            }
        });
        let steps = steps.collect();
        let text = Part::new(0, written).of(text);
        Ok(KeyPath(Arc::new(Path {
            text: format!("{text}{decoded}").into(),
            written,
            steps,
            each,
        })))
    }

    /// Reads a bracket that stands for elements: which one, if it is one, and what follows.
    fn elements<'t>(&self, text: &'t str) -> Option<(Option<usize>, &'t str)> {
        let inner = text.strip_prefix('[')?;
        if let Some(tail) = inner.strip_prefix(']') {
            return Some((None, tail));
        }
        let (place, _) = inner
            .split_once(']')
            .filter(|_| self.grammar == Grammar::Strict)?;
        let tail = inner.strip_prefix(place)?.strip_prefix(']')?;
        let is_place = place.bytes().all(|byte| byte.is_ascii_digit());
        let place = place.parse().ok().filter(|_| is_place)?;
        Some((Some(place), tail))
    }

    /// Returns what follows a `[]`.
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
    fn key<'t>(&self, text: &'t str) -> Result<(Cow<'t, str>, &'t str), PathError> {
        let (key, tail) = if text.starts_with('"') {
            let (key, tail) = json_string(text)
                .ok_or_else(|| self.problem(text, "the quoted key is no complete JSON string"))?;
            (Cow::Owned(key), tail)
        } else {
            let (key, _) = text
                .split_once(']')
                .ok_or_else(|| self.problem(text, "the bracket is never closed"))?;
            let tail = text.strip_prefix(key).unwrap_or_default();
            (Cow::Borrowed(key), tail)
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

/// Returns the JSON string that a text begins with, decoded, and what follows it.
pub(crate) fn json_string(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let string = strings.next()?.ok()?;
    let (_, tail) = text.split_at_checked(strings.byte_offset())?;
    Some((string, tail))
}
