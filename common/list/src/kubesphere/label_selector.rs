//! Kubernetes' label selectors: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.

use crate::bounds::{MAX_CONDITIONS, MAX_VALUES};
use crate::condition::{Comparison, Test};
use crate::error::QueryError;
use crate::expression::Expression;
use crate::path::KeyPath;

/// What a `!=` makes of a key that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It differs from everything, as in Kubernetes.
    Differs,
    /// It fails, as in KubeSphere's `label` and `annotation`.
    Fails,
}

/// Why a text is no label selector.
pub(super) struct SelectorError<'t> {
    rest: &'t str,
    problem: &'static str,
}

const MAX_NAME: usize = 63;
const MAX_PREFIX: usize = 253;

/// Reads a selector over the map at a path. Of nothing, everything passes.
pub(super) fn parse<'t>(
    text: &'t str,
    map: &str,
    missing: Missing,
) -> Result<Expression<KeyPath>, SelectorError<'t>> {
    let mut parser = Parser {
        rest: text,
        map,
        missing,
    };
    let mut all = Vec::new();
    if parser.peek() == Token::End {
        return Ok(Expression::All(all));
    }
    loop {
        if all.len() >= MAX_CONDITIONS {
            return Err(parser.error("there may be 64 requirements at most"));
        }
        all.push(parser.requirement()?);
        match parser.peek() {
            Token::End => return Ok(Expression::All(all)),
            Token::Sign(",") => parser.next(),
            _ => return Err(parser.error("a comma or the end is expected")),
        };
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// `=`, `==`, `!=`, `!`, `>`, `<`, `(`, `)` or `,`.
    Sign(&'static str),
    /// A key, a value, or `in` or `notin`.
    Word(&'t str),
    End,
}

struct Parser<'t, 'm> {
    rest: &'t str,
    map: &'m str,
    missing: Missing,
}

// === impl SelectorError ===

impl SelectorError<'_> {
    pub(super) fn of(&self, parameter: &'static str, text: &str) -> QueryError {
        QueryError::at(parameter, text, self.rest, self.problem)
    }
}

// === impl Parser ===

impl<'t> Parser<'t, '_> {
    fn requirement(&mut self) -> Result<Expression<KeyPath>, SelectorError<'t>> {
        if self.peek() == Token::Sign("!") {
            self.next();
            let key = self.key()?;
            return match self.peek() {
                Token::End | Token::Sign(",") => Ok(Expression::field(key, Test::Exists).not()),
                _ => Err(self.error("a comma or the end is expected")),
            };
        }
        let key = self.key()?;
        let field = |test| Expression::field(key.clone(), test);
        let at = self.rest;
        match self.peek() {
            Token::End | Token::Sign(",") => return Ok(field(Test::Exists)),
            _ => {}
        }
        match self.next() {
            Token::Sign("=" | "==") => Ok(field(Test::one_of([self.exact_value()?]))),
            Token::Sign("!=") => {
                let differs = field(Test::one_of([self.exact_value()?])).not();
                Ok(match self.missing {
                    Missing::Differs => differs,
                    Missing::Fails => Expression::All(vec![field(Test::Exists), differs]),
                })
            }
            Token::Word("in") => Ok(field(Test::one_of(self.values()?))),
            Token::Word("notin") => Ok(field(Test::one_of(self.values()?)).not()),
            Token::Sign(sign @ (">" | "<")) => {
                let at = self.rest;
                let bound = self.exact_value()?.parse().map_err(|_| SelectorError {
                    rest: at.trim_start(),
                    problem: "an integer is expected",
                })?;
                let comparison = if sign == ">" {
                    Comparison::Greater
                } else {
                    Comparison::Less
                };
                Ok(field(Test::Integer { comparison, bound }))
            }
            _ => Err(SelectorError {
                rest: at.trim_start(),
                problem: "an operator is expected: =, ==, !=, in, notin, > or <",
            }),
        }
    }

    fn key(&mut self) -> Result<KeyPath, SelectorError<'t>> {
        let at = self.rest.trim_start();
        match self.next() {
            Token::Word(key) if !["in", "notin"].contains(&key) && is_key(key) => {
                Ok(KeyPath::parse(&format!("{}.{key}", self.map)))
            }
            _ => Err(SelectorError {
                rest: at,
                problem: "a label's key is expected: a name of 63 characters, with a DNS prefix before a / or without",
            }),
        }
    }

    /// Returns the value behind an operator, which may be empty.
    fn exact_value(&mut self) -> Result<&'t str, SelectorError<'t>> {
        match self.peek() {
            Token::End | Token::Sign(",") => Ok(""),
            _ => self.value(),
        }
    }

    fn value(&mut self) -> Result<&'t str, SelectorError<'t>> {
        let at = self.rest.trim_start();
        match self.next() {
            Token::Word(value) if is_value(value) => Ok(value),
            _ => Err(SelectorError {
                rest: at,
                problem: "a label's value is expected: 63 letters, digits, -, _ or . that begin and end with a letter or a digit",
            }),
        }
    }

    /// A list in parentheses; an empty value may be left out.
    fn values(&mut self) -> Result<Vec<&'t str>, SelectorError<'t>> {
        let open = self.rest.trim_start();
        if self.next() != Token::Sign("(") {
            return Err(SelectorError {
                rest: open,
                problem: "an opening parenthesis is expected",
            });
        }
        let mut values = Vec::new();
        loop {
            if values.len() >= MAX_VALUES {
                return Err(self.error("a list may have 256 values at most"));
            }
            values.push(match self.peek() {
                Token::Sign("," | ")") => "",
                _ => self.value()?,
            });
            let at = self.rest.trim_start();
            match self.next() {
                Token::Sign(",") => {}
                Token::Sign(")") => return Ok(values),
                _ => {
                    return Err(SelectorError {
                        rest: at,
                        problem: "a comma or a closing parenthesis is expected",
                    });
                }
            }
        }
    }

    fn peek(&self) -> Token<'t> {
        token(self.rest).0
    }

    fn next(&mut self) -> Token<'t> {
        let (token, rest) = token(self.rest);
        self.rest = rest;
        token
    }

    fn error(&self, problem: &'static str) -> SelectorError<'t> {
        SelectorError {
            rest: self.rest.trim_start(),
            problem,
        }
    }
}

fn token(text: &str) -> (Token<'_>, &str) {
    const SIGNS: [&str; 9] = ["==", "!=", "=", "!", ">", "<", "(", ")", ","];
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    if text.is_empty() {
        return (Token::End, text);
    }
    for sign in SIGNS {
        if let Some(rest) = text.strip_prefix(sign) {
            return (Token::Sign(sign), rest);
        }
    }
    let ends = [' ', '\t', '\r', '\n', '=', '!', '>', '<', '(', ')', ','];
    let (word, rest) = text
        .find(ends)
        .and_then(|end| text.split_at_checked(end))
        .unwrap_or((text, ""));
    (Token::Word(word), rest)
}

/// A qualified name: `name` or `dns.prefix/name`.
fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_name(key),
        Some((prefix, name)) => {
            let label = |label: &str| {
                let edge = |byte: Option<u8>| {
                    byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                };
                edge(label.bytes().next())
                    && edge(label.bytes().next_back())
                    && label.bytes().all(|byte| edge(Some(byte)) || byte == b'-')
            };
            prefix.len() <= MAX_PREFIX && prefix.split('.').all(label) && is_name(name)
        }
    }
}

fn is_name(name: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= MAX_NAME
        && edge(name.bytes().next())
        && edge(name.bytes().next_back())
        && name
            .bytes()
            .all(|byte| edge(Some(byte)) || b"-_.".contains(&byte))
}

fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}
