//! Kubernetes' field selectors (`k8s.io/apimachinery/pkg/fields`): `path=value`,
//! `path==value` and `path!=value` between commas. `\` shields a comma, a `=` or itself.

use thiserror::Error;

/// One requirement: a field has this value, or has another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The field's path, as it stands there.
    pub field: &'a str,
    /// The value, without what shields its characters.
    pub value: String,
    /// Whether the field has this value; with `!=` it has not.
    pub is_equal: bool,
}

/// Why a term is no requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequirementError {
    /// It has no operator.
    #[error("a field with =, == or != and a value is expected")]
    Operator,
    /// Its value has a bare `,` or `=`, or a `\` before something else.
    #[error("a \\ shields only a comma, = and \\")]
    Escape,
}

/// Returns the terms of a selector, each with the text from it on. Empty ones say nothing
/// and are left out.
pub fn terms(selector: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut is_shielded = false;
    let mut at = 0_usize;
    selector
        .split(move |character: char| {
            let splits = character == ',' && !is_shielded;
            is_shielded = character == '\\' && !is_shielded;
            splits
        })
        .filter_map(move |term| {
            let from = selector.get(at..)?;
            at = at.saturating_add(term.len()).saturating_add(1);
            (!term.is_empty()).then_some((term, from))
        })
}

/// Writes a value so that it is one, whatever is in it.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if is_special(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn unescape(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => characters.next().filter(|next| is_special(*next))?,
            ',' | '=' => return None,
            plain => plain,
        });
    }
    Some(plain)
}

fn is_special(character: char) -> bool {
    matches!(character, '\\' | ',' | '=')
}

// === impl Requirement ===

impl<'a> Requirement<'a> {
    /// Reads a term.
    ///
    /// # Errors
    /// [`RequirementError`], in words for the client.
    pub fn parse(term: &'a str) -> Result<Self, RequirementError> {
        let (field, value) = term.split_once('=').ok_or(RequirementError::Operator)?;
        let (field, value, is_equal) = match field.strip_suffix('!') {
            Some(field) => (field, value, false),
            None => (field, value.strip_prefix('=').unwrap_or(value), true),
        };
        Ok(Self {
            field,
            value: unescape(value).ok_or(RequirementError::Escape)?,
            is_equal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the requirements of a selector, or why it has none.
    fn read(selector: &str) -> Result<String, RequirementError> {
        let requirements = terms(selector).map(|(term, _)| {
            let Requirement {
                field,
                value,
                is_equal,
            } = Requirement::parse(term)?;
            let operator = if is_equal { "is" } else { "is not" };
            Ok(format!("{field} {operator} {value}"))
        });
        Ok(requirements.collect::<Result<Vec<_>, _>>()?.join("; "))
    }

    #[test]
    fn a_selector_is_read_as_kubernetes_reads_it() {
        for (selector, expected) in [
            ("", ""),
            ("a=b", "a is b"),
            ("a==b", "a is b"),
            ("a!=b", "a is not b"),
            ("a=", "a is "),
            ("a=b,,c!=d,", "a is b; c is not d"),
            (r"a=b\,c,d=\\\=", r"a is b,c; d is \="),
        ] {
            assert_eq!(read(selector).as_deref(), Ok(expected), "{selector}");
        }
        for selector in ["a", "a=b,c", "!a"] {
            assert_eq!(
                read(selector),
                Err(RequirementError::Operator),
                "{selector}"
            );
        }
        for selector in ["a=b=c", "a!==b", "a===b", r"a=\b", r"a=b\"] {
            assert_eq!(read(selector), Err(RequirementError::Escape), "{selector}");
        }
    }

    #[test]
    fn a_term_comes_with_the_text_from_it_on() {
        let found: Vec<_> = terms(r"a=\,,,b=c").collect();
        assert_eq!(found, [(r"a=\,", r"a=\,,,b=c"), ("b=c", "b=c")]);
    }

    #[test]
    fn an_escaped_value_is_read_as_it_was() {
        for value in ["", "a", r"\", ",=", r"a\,b==c"] {
            let term = format!("metadata.name={}", escape(value));
            assert_eq!(terms(&term).count(), 1, "{term}");
            assert_eq!(Requirement::parse(&term).unwrap().value, value);
        }
    }
}
