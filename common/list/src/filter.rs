//! The `filter` parameter: conditions in a strict grammar.

use crate::bounds::{MAX_CONDITIONS, MAX_VALUES};
use crate::condition::{Comparison, Test};
use crate::error::QueryError;
use crate::expression::Expression;
use crate::path::{KeyPath, json_string};
use crate::typed::{Typed, ValueType};

const PARAMETER: &str = "filter";
const MAX_DEPTH: usize = 16;

/// Reads a decoded `filter` value; of nothing but blanks, everything passes.
pub(crate) fn parse(text: &str) -> Result<Expression<KeyPath>, QueryError> {
    let mut parser = Parser {
        text,
        rest: text,
        conditions: 0,
        depth: 0,
    };
    parser.skip_blanks();
    if parser.rest.is_empty() {
        return Ok(Expression::All(Vec::new()));
    }
    let expression = parser.any()?;
    if parser.rest.is_empty() {
        Ok(expression)
    } else {
        Err(parser.error("a comma, || or the end is expected"))
    }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    conditions: usize,
    depth: usize,
}

/// What stands between a path and its value.
#[derive(Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    NotContains,
    In,
    NotIn,
    Compare(Comparison),
}

/// A value as it is written.
struct Written<'t> {
    text: String,
    quoted: bool,
    /// Where it stands, for errors.
    at: &'t str,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("!=", Operator::NotEqual),
    ("!~", Operator::NotContains),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    ("<=", Operator::Compare(Comparison::AtMost)),
    ("<", Operator::Compare(Comparison::Less)),
    (">=", Operator::Compare(Comparison::AtLeast)),
    (">", Operator::Compare(Comparison::Greater)),
];
const WORDS: [(&str, Operator); 2] = [("in", Operator::In), ("notin", Operator::NotIn)];

// === impl Parser ===

impl<'t> Parser<'t> {
    /// `all *( "||" all )`
    fn any(&mut self) -> Result<Expression<KeyPath>, QueryError> {
        let mut parts = vec![self.all()?];
        while self.take("||") {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Expression::Any))
    }

    /// `part *( "," part )`
    fn all(&mut self) -> Result<Expression<KeyPath>, QueryError> {
        let mut parts = vec![self.part()?];
        while self.take(",") {
            parts.push(self.part()?);
        }
        Ok(single_or(parts, Expression::All))
    }

    /// `"(" any ")" / condition`
    fn part(&mut self) -> Result<Expression<KeyPath>, QueryError> {
        if !self.take("(") {
            return self.condition();
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(self.error("parentheses may be nested 16 deep at most"));
        }
        let inner = self.any()?;
        if !self.take(")") {
            return Err(self.error("a closing parenthesis is expected"));
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(inner)
    }

    fn condition(&mut self) -> Result<Expression<KeyPath>, QueryError> {
        self.conditions = self.conditions.saturating_add(1);
        if self.conditions > MAX_CONDITIONS {
            return Err(self.error("there may be 64 conditions at most"));
        }
        let absent = self.take("!");
        let path = self.path()?;
        if absent {
            self.skip_blanks();
            return Ok(Expression::field(path, Test::Exists).not());
        }
        let kind = self.kind()?;
        let at_operator = self.rest;
        let Some(operator) = self.operator() else {
            if kind.is_some() || !self.at_end_of_condition() {
                return Err(self.error(
                    "an operator is expected: =, ==, !=, ~, !~, <, <=, >, >=, in or notin",
                ));
            }
            return Ok(Expression::field(path, Test::Exists));
        };
        let (test, positive) = match operator {
            Operator::Equal => (self.equality(kind)?, true),
            Operator::NotEqual => (self.equality(kind)?, false),
            Operator::In => (self.membership(kind)?, true),
            Operator::NotIn => (self.membership(kind)?, false),
            Operator::Compare(comparison) => (self.comparison(kind, comparison)?, true),
            Operator::Contains | Operator::NotContains => {
                if kind.is_some() {
                    self.rest = at_operator;
                    return Err(self.error("~ and !~ look into texts and take no type"));
                }
                let part = self.value()?.text.into();
                (Test::Holds(part), matches!(operator, Operator::Contains))
            }
        };
        let condition = Expression::field(path, test);
        Ok(if positive { condition } else { condition.not() })
    }

    fn equality(&mut self, kind: Option<ValueType>) -> Result<Test, QueryError> {
        let value = self.value()?;
        self.equal_to(kind, &[value])
    }

    fn membership(&mut self, kind: Option<ValueType>) -> Result<Test, QueryError> {
        if !self.take("(") {
            return Err(self.error("an opening parenthesis is expected"));
        }
        let mut values = vec![self.value()?];
        while self.take(",") {
            if values.len() >= MAX_VALUES {
                return Err(self.error("a list may have 256 values at most"));
            }
            values.push(self.value()?);
        }
        if !self.take(")") {
            return Err(self.error("a comma or a closing parenthesis is expected"));
        }
        self.equal_to(kind, &values)
    }

    fn equal_to(
        &self,
        kind: Option<ValueType>,
        values: &[Written<'t>],
    ) -> Result<Test, QueryError> {
        let Some(kind) = kind else {
            return Ok(Test::one_of(values.iter().map(|value| &*value.text)));
        };
        let values = values
            .iter()
            .map(|value| self.typed(kind, value))
            .collect::<Result<_, _>>()?;
        Ok(Test::equals(kind, values))
    }

    fn comparison(
        &mut self,
        kind: Option<ValueType>,
        comparison: Comparison,
    ) -> Result<Test, QueryError> {
        let written = self.value()?;
        if written.text.is_empty() && !written.quoted {
            return Err(self.error("a value to compare with is expected"));
        }
        let kind = kind.unwrap_or_else(|| {
            if written.quoted {
                ValueType::String
            } else {
                ValueType::inferred(&written.text)
            }
        });
        Ok(Test::Compares {
            kind,
            comparison,
            value: self.typed(kind, &written)?,
        })
    }

    fn typed(&self, kind: ValueType, written: &Written<'t>) -> Result<Typed<'static>, QueryError> {
        kind.parse(&written.text).ok_or_else(|| {
            let problem = format!("a value of the type {} is expected", kind.name());
            QueryError::at(PARAMETER, self.text, written.at, problem)
        })
    }

    // --- Tokens ---

    fn path(&mut self) -> Result<KeyPath, QueryError> {
        let (token, rest) = path_token(self.rest);
        let path = KeyPath::read(token).map_err(|error| {
            let at = self.rest.get(error.at..).unwrap_or_default();
            QueryError::at(PARAMETER, self.text, at, error.problem)
        })?;
        self.rest = rest;
        Ok(path)
    }

    /// `":" type`, directly behind the path.
    fn kind(&mut self) -> Result<Option<ValueType>, QueryError> {
        let kind = match self.rest.strip_prefix(':') {
            None => None,
            Some(named) => {
                let end = named.find(|character: char| !character.is_ascii_alphanumeric());
                let (name, rest) = end
                    .and_then(|end| named.split_at_checked(end))
                    .unwrap_or((named, ""));
                self.rest = named;
                let kind = ValueType::named(name).ok_or_else(|| self.error(ValueType::EXPECTED))?;
                self.rest = rest;
                Some(kind)
            }
        };
        self.skip_blanks();
        Ok(kind)
    }

    fn operator(&mut self) -> Option<Operator> {
        for (word, operator) in WORDS {
            let Some(rest) = self.rest.strip_prefix(word) else {
                continue;
            };
            if rest.starts_with(|next: char| next == '(' || next.is_whitespace()) {
                self.rest = rest;
                self.skip_blanks();
                return Some(operator);
            }
        }
        // `a||b` is no operator of the condition.
        let (_, operator) = OPERATORS.iter().find(|(sign, _)| self.take(sign))?;
        Some(*operator)
    }

    fn value(&mut self) -> Result<Written<'t>, QueryError> {
        const ENDS: [char; 10] = [',', '(', ')', '"', '=', '!', '<', '>', '~', '|'];
        let at = self.rest;
        let (text, rest) = if at.starts_with('"') {
            json_string(at)
                .ok_or_else(|| self.error("the quoted value is no complete JSON string"))?
        } else {
            let ends = |character: char| ENDS.contains(&character) || character.is_whitespace();
            let (bare, rest) = at
                .find(ends)
                .and_then(|end| at.split_at_checked(end))
                .unwrap_or((at, ""));
            (bare.to_owned(), rest)
        };
        self.rest = rest;
        self.skip_blanks();
        if !self.at_end_of_condition() {
            return Err(self.error(
                "the value must end here; one with blanks or any of ,()\"=!<>~| goes into double quotes",
            ));
        }
        Ok(Written {
            text,
            quoted: at.starts_with('"'),
            at,
        })
    }

    fn at_end_of_condition(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with([',', ')']) || self.rest.starts_with("||")
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest;
        self.skip_blanks();
        true
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn error(&self, problem: impl Into<String>) -> QueryError {
        QueryError::at(PARAMETER, self.text, self.rest, problem)
    }
}

/// Returns the one part, or all of them put together.
fn single_or(
    parts: Vec<Expression<KeyPath>>,
    together: impl Fn(Vec<Expression<KeyPath>>) -> Expression<KeyPath>,
) -> Expression<KeyPath> {
    // What is said twice is asked once.
    let mut parts = parts.into_iter().fold(Vec::new(), |mut parts, part| {
        if !parts.contains(&part) {
            parts.push(part);
        }
        parts
    });
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            together(parts)
        }
    }
}

/// A path up to what cannot belong to it, and the rest.
///
/// A bracket shields everything up to its end, a quote at the beginning of a bracket shields a
/// bracket, and a backslash the sign behind it.
pub(crate) fn path_token(text: &str) -> (&str, &str) {
    const ENDS: [char; 10] = [',', '=', '!', '<', '>', '~', '(', ')', '|', ':'];
    let mut bracket = false;
    let mut quote = None;
    let mut escaped = false;
    let mut before = '\0';
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' && (quote.is_some() || !bracket) {
            escaped = true;
        } else if quote.is_some() {
            quote = quote.filter(|quote| *quote != character);
        } else if bracket {
            quote = Some(character).filter(|_| before == '[' && matches!(character, '"' | '\''));
            bracket = character != ']';
        } else if character == '[' {
            bracket = true;
        } else if ENDS.contains(&character) || character.is_whitespace() || character == '"' {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
        before = character;
    }
    (text, "")
}

#[cfg(test)]
mod tests;
