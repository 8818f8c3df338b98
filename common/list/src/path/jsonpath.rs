//! kubectl's JSONPath, as far as it names fields, written as the paths of this language.
//!
//! | kubectl | here |
//! |---|---|
//! | `{.a.b}`, `$.a.b`, `.a.b` | `a.b` |
//! | `a[*].b` | `a[].b` |
//! | `a['b.c']` | `a["b.c"]` |
//! | `a.b\.c` | `a["b.c"]` |
//!
//! `[0]` is the same in both. What searches, calculates or chooses is refused at its
//! sign: to take it for a name would find nothing, in silence.

use std::borrow::Cow;

use super::{FLAT_MAPS, PathError, json_string};

/// A path in this language's own words.
#[derive(Debug)]
pub(super) struct Plain<'t> {
    text: Cow<'t, str>,
    /// Where a part of the text begins, and what it was made of in the original; in
    /// their order.
    origins: Vec<(usize, usize)>,
}

/// Writes a path anew.
struct Translator<'t> {
    /// What is written so far.
    out: String,
    origins: Vec<(usize, usize)>,
    /// The original without its braces, and where that begins.
    inner: &'t str,
    before: usize,
}

const SEARCH: &str = "`..` searches all that is below; write the whole path";
const ANY_MEMBER: &str = "`*` stands for elements in `[*]` alone; write the name, in double quotes in a bracket if it is `*`";
const BRACE: &str = "a brace may only stand around the whole path; a key with one goes into brackets and double quotes";
const IN_FLAT_MAP: &str = "what follows `labels.` and `annotations.` is one key; one with a bracket goes into double quotes, as labels[\"a[b\"]";
const ESCAPE: &str = "a backslash stands before `.` or another sign; a key with one goes into brackets and double quotes";
const CONDITION: &str = "`[?(…)]` chooses elements; `[]` stands for every one of them, and what they must be is said by filter";
const SLICE: &str =
    "a part of an array cannot be named; write `[]` for every element or `[0]` for one";
const FROM_THE_END: &str =
    "elements are counted from the first one, `[0]`; write `[]` for every one";
const UNION: &str = "one bracket names one key or element; write a path for each";
const SCRIPT: &str =
    "nothing is calculated in a bracket; it holds a key, the number of an element or nothing";
const PLACE: &str = "no array has so many elements";

/// As many digits as the place of an element may have.
const MAX_DIGITS: usize = 9;

/// Translates a path; one that is none stays as it is, for the reader to say so.
///
/// # Errors
/// Says at which sign there is something that this language does not have.
pub(super) fn translate(text: &str) -> Result<Plain<'_>, PathError> {
    let (before, inner) = without_braces(text)?;
    let (before, inner) = without_root(before, inner)?;
    let translator = Translator {
        out: String::with_capacity(inner.len()),
        origins: Vec::new(),
        inner,
        before,
    };
    let (out, origins) = translator.all()?;
    let text = if out == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(out)
    };
    Ok(Plain { text, origins })
}

fn without_braces(text: &str) -> Result<(usize, &str), PathError> {
    let Some(open) = text.strip_prefix('{') else {
        return Ok((0, text));
    };
    let closed = open.strip_suffix('}').ok_or(PathError {
        at: text.len(),
        problem: "the brace is never closed",
    })?;
    Ok((1, closed))
}

/// `$` and the dot before the first name say nothing.
fn without_root(before: usize, inner: &str) -> Result<(usize, &str), PathError> {
    let path = match inner.strip_prefix('$') {
        Some("") => {
            return Err(PathError {
                at: before,
                problem: "`$` alone is the whole object; name a field of it",
            });
        }
        Some(path) if path.starts_with(['.', '[']) => path,
        _ => inner,
    };
    let path = match path.strip_prefix('.') {
        Some(named) if !named.is_empty() && !named.starts_with('[') => named,
        _ => path,
    };
    let before = before.saturating_add(inner.len().saturating_sub(path.len()));
    if path.starts_with('.') && path.len() > 1 {
        return Err(PathError {
            at: before,
            problem: SEARCH,
        });
    }
    Ok((before, path))
}

// === impl Plain ===

impl Plain<'_> {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns where in the original something stands, by its place in the text.
    pub(super) fn origin_of(&self, at: usize) -> usize {
        let begun = self.origins.iter().rev().find(|(start, _)| *start <= at);
        let (start, origin) = begun.copied().unwrap_or_default();
        origin.saturating_add(at.saturating_sub(start))
    }
}

// === impl Translator ===

impl<'t> Translator<'t> {
    fn all(mut self) -> Result<(String, Vec<(usize, usize)>), PathError> {
        let mut rest = self.inner;
        let mut named = !rest.starts_with('[');
        let mut in_flat_map = false;
        loop {
            self.mark(rest);
            if named {
                let (name, tail) = self.name(rest, in_flat_map)?;
                in_flat_map = FLAT_MAPS.contains(&name);
                rest = tail;
            } else if let Some(inner) = rest.strip_prefix('[') {
                rest = self.bracket(rest, inner)?;
                in_flat_map = false;
            } else if let Some(tail) = rest.strip_prefix('.') {
                if tail.starts_with('.') {
                    return Err(self.problem(tail, SEARCH));
                }
                self.out.push('.');
                named = true;
                rest = tail;
                continue;
            } else {
                // Nothing, or what the reader will not take either.
                self.out.push_str(rest);
                return Ok((self.out, self.origins));
            }
            named = false;
        }
    }

    /// Takes a name, and returns it as it is written and what follows it.
    fn name(&mut self, text: &'t str, is_last: bool) -> Result<(&'t str, &'t str), PathError> {
        let mut decoded = String::new();
        let mut characters = text.char_indices();
        let mut end = text.len();
        while let Some((at, character)) = characters.next() {
            let here = text.get(at..).unwrap_or_default();
            match character {
                '\\' => match characters.next() {
                    Some((_, sign)) if sign.is_ascii_punctuation() => decoded.push(sign),
                    _ => return Err(self.problem(here, ESCAPE)),
                },
                '{' | '}' => return Err(self.problem(here, BRACE)),
                '[' | ']' if is_last => return Err(self.problem(here, IN_FLAT_MAP)),
                '.' if is_last => decoded.push('.'),
                '.' | '[' | ']' => {
                    end = at;
                    break;
                }
                _ => decoded.push(character),
            }
        }
        let (name, tail) = text.split_at_checked(end).unwrap_or((text, ""));
        if name == "*" {
            return Err(self.problem(text, ANY_MEMBER));
        }
        if decoded == name {
            self.out.push_str(name);
        } else {
            // The bracket stands in the place of the dot.
            if self.out.ends_with('.') {
                self.out.pop();
            }
            self.quoted(&decoded);
        }
        Ok((name, tail))
    }

    /// Takes a bracket, whose inner side begins with `inner`, and returns what follows it.
    fn bracket(&mut self, bracket: &'t str, inner: &'t str) -> Result<&'t str, PathError> {
        if inner.starts_with('"') {
            // A string that is none is the reader's to refuse, like one without an end.
            let tail = json_string(inner).map_or("", |(_, tail)| tail);
            let tail = self.closed(tail)?;
            let taken = bracket.strip_suffix(tail).unwrap_or(bracket);
            self.out.push_str(taken);
            return Ok(tail);
        }
        if let Some(text) = inner.strip_prefix('\'') {
            let (key, tail) = self.single_quoted(inner, text)?;
            let tail = self.closed(tail)?;
            self.quoted(&key);
            return Ok(tail);
        }
        let Some((key, tail)) = inner.split_once(']') else {
            self.out.push_str(bracket);
            return Ok("");
        };
        if let Some(problem) = refused(key) {
            return Err(self.problem(inner, problem));
        }
        if key == "*" {
            self.out.push_str("[]");
        } else if key.contains('\\') {
            let mut decoded = String::new();
            let mut characters = key.char_indices();
            while let Some((at, character)) = characters.next() {
                match (character, characters.clone().next()) {
                    ('\\', Some((_, sign))) if sign.is_ascii_punctuation() => {
                        decoded.push(sign);
                        characters.next();
                    }
                    ('\\', _) => {
                        let here = inner.get(at..).unwrap_or_default();
                        return Err(self.problem(here, ESCAPE));
                    }
                    _ => decoded.push(character),
                }
            }
            self.quoted(&decoded);
        } else {
            self.out.push('[');
            self.out.push_str(key);
            self.out.push(']');
        }
        Ok(tail)
    }

    /// Takes a key up to its closing quote; `quote` is where it began.
    fn single_quoted(&self, quote: &'t str, text: &'t str) -> Result<(String, &'t str), PathError> {
        let mut key = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\'' => return Ok((key, characters.as_str())),
                '\\' => key.extend(characters.next()),
                _ => key.push(character),
            }
        }
        Err(self.problem(quote, "the quoted key never ends"))
    }

    /// Takes the bracket that ends behind a quoted key.
    fn closed(&self, tail: &'t str) -> Result<&'t str, PathError> {
        if tail.starts_with(',') {
            return Err(self.problem(tail, UNION));
        }
        match tail.strip_prefix(']') {
            Some(behind) => Ok(behind),
            // The reader says what is wrong with it.
            None if tail.is_empty() => Ok(""),
            None => Err(self.problem(tail, "a closing bracket is expected")),
        }
    }

    fn quoted(&mut self, key: &str) {
        self.out.push('[');
        self.out.push_str(&serde_json::Value::from(key).to_string());
        self.out.push(']');
    }

    /// What is written next is made of what begins here.
    fn mark(&mut self, rest: &str) {
        self.origins.push((self.out.len(), self.at(rest)));
    }

    fn at(&self, rest: &str) -> usize {
        let inside = self.inner.len().saturating_sub(rest.len());
        self.before.saturating_add(inside)
    }

    fn problem(&self, rest: &str, problem: &'static str) -> PathError {
        PathError {
            at: self.at(rest),
            problem,
        }
    }
}

/// Returns why what stands in a bracket without quotes is neither a key nor an element.
fn refused(key: &str) -> Option<&'static str> {
    let is_number = |text: &str| {
        let digits = text.trim().strip_prefix('-').unwrap_or(text.trim());
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_part = |text: &str| text.trim().is_empty() || is_number(text);
    if key.starts_with('?') {
        Some(CONDITION)
    } else if key.starts_with(['(', '@', '$']) {
        Some(SCRIPT)
    } else if key.contains(':') && key.split(':').all(is_part) {
        Some(SLICE)
    } else if key.contains(',')
        && key
            .split(',')
            .all(|one| is_number(one) || one.trim() == "*")
    {
        Some(UNION)
    } else if key.starts_with('-') && is_number(key) {
        Some(FROM_THE_END)
    } else if is_number(key) && key.len() > MAX_DIGITS {
        Some(PLACE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
