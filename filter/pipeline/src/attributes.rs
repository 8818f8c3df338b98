//! What a request asks of an API server: verb, namespace, resource.
//!
//! The rules are the API server's own, `RequestInfoFactory` in
//! `k8s.io/apiserver/pkg/endpoints/request`, so that a bound on namespaces and verbs
//! means the same here as RBAC means there. What two servers could read in two ways
//! is told as [`Ambiguous`] and not guessed at.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// A request as the API server will understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attributes {
    /// For an object or a collection of them.
    Resource(Resource),
    /// For another path, `/version` say.
    NonResource {
        /// The method, in lower case.
        verb: String,
        /// The path, decoded.
        path: String,
    },
}

/// The attributes of a request for a resource. What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`, `proxy`; empty for a method that has none.
    pub(crate) verb: &'static str,
    /// Empty for the core group.
    pub(crate) group: String,
    /// Empty for what is in no namespace, and for all namespaces at once.
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) name: String,
}

/// The request can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the path has an empty segment or no resource, or the query holds a bare semicolon")]
pub(crate) struct Ambiguous;

/// What stands before the resource in a path and is a verb of its own.
const WATCH: &str = "watch";
const PROXY: &str = "proxy";

/// What follows a namespace's name and is no resource in it.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["finalize", "status"];

// === impl Attributes ===

impl Attributes {
    /// Reads a request. `path` is the one at the API server, still encoded.
    pub(crate) fn of(method: &str, path: &str, query: Option<&str>) -> Result<Self, Ambiguous> {
        let parts: Vec<Cow<'_, str>> = match path.trim_matches('/') {
            "" => Vec::new(),
            trimmed => trimmed
                .split('/')
                .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
                .collect(),
        };
        let non_resource = || Self::NonResource {
            verb: method.to_ascii_lowercase(),
            path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
        };
        let (group, rest) = match parts.as_slice() {
            [api, _version, rest @ ..] if api == "api" && !rest.is_empty() => ("", rest),
            [apis, group, _version, rest @ ..] if apis == "apis" && !rest.is_empty() => {
                (group.as_ref(), rest)
            }
            _ => return Ok(non_resource()),
        };
        // A server or a proxy before it may join what an empty segment parts.
        let told = parts.len().saturating_sub(rest.len());
        if parts.iter().take(told).any(|part| part.is_empty()) {
            return Err(Ambiguous);
        }
        let resource = Resource::of(method, group, rest, query)?;
        Ok(Self::Resource(resource))
    }
}

// === impl Resource ===

impl Resource {
    /// `parts` is what follows the version, and not empty.
    fn of(
        method: &str,
        group: &str,
        parts: &[Cow<'_, str>],
        query: Option<&str>,
    ) -> Result<Self, Ambiguous> {
        let (mut verb, parts) = match parts {
            [first] if first == WATCH || first == PROXY => return Err(Ambiguous),
            [first, rest @ ..] if first == WATCH => (WATCH, rest),
            [first, rest @ ..] if first == PROXY => (PROXY, rest),
            parts => (verb_of(method), parts),
        };
        if let [first, namespace, ..] = parts
            && first == "namespaces"
            && namespace.is_empty()
        {
            return Err(Ambiguous);
        }
        let (namespace, parts) = match parts {
            [first, namespace, third, ..]
                if first == "namespaces" && !NAMESPACE_SUBRESOURCES.contains(&third.as_ref()) =>
            {
                (namespace.as_ref(), parts.get(2..).unwrap_or_default())
            }
            [first, namespace, ..] if first == "namespaces" => (namespace.as_ref(), parts),
            parts => ("", parts),
        };
        let part = |at: usize| parts.get(at).map(AsRef::as_ref).unwrap_or_default();
        let has_subresource = verb != PROXY && parts.len() >= 3;
        // Behind a sub-resource the path may be an application's.
        let told = if has_subresource { 3 } else { 2 };
        let has_empty = parts.iter().take(told).any(|part| part.is_empty());
        if has_empty {
            return Err(Ambiguous);
        }
        let mut name = Cow::Borrowed(part(1));
        if name.is_empty() && verb == "get" {
            let options = ListOptions::of(query.unwrap_or_default())?;
            verb = if options.watch { WATCH } else { "list" };
            name = options.name.unwrap_or_default().into();
        } else if name.is_empty() && verb == "delete" {
            verb = "deletecollection";
        }
        Ok(Self {
            verb,
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0).to_owned(),
            subresource: if has_subresource { part(2) } else { "" }.to_owned(),
            name: name.into_owned(),
        })
    }
}

fn verb_of(method: &str) -> &'static str {
    match method {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// What of a collection's query says what is asked.
#[derive(Default)]
struct ListOptions {
    watch: bool,
    /// The one name that a field selector asks for.
    name: Option<String>,
}

/// Whether some server may take a query for that of a watch, whichever way it reads a `;`.
pub(crate) fn may_watch(query: &str) -> bool {
    query.split(['&', ';']).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        decode(name).is_some_and(|name| name == WATCH)
            && decode(value).is_some_and(|value| is_true(&value))
    })
}

/// Whatever is not said to be false is true, the empty value too.
fn is_true(value: &str) -> bool {
    value != "0" && !value.eq_ignore_ascii_case("false")
}

// === impl ListOptions ===

impl ListOptions {
    /// As in Go: the first of several values counts, and a pair that cannot be
    /// decoded does not. A `;` parts two pairs for servers that were built with Go
    /// before 1.17 and spoils a pair for others.
    fn of(query: &str) -> Result<Self, Ambiguous> {
        if query.contains(';') {
            return Err(Ambiguous);
        }
        let (mut watch, mut selector) = (None, None);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                continue;
            };
            match name.as_str() {
                "watch" => watch = watch.or(Some(value)),
                "fieldSelector" => selector = selector.or(Some(value)),
                _ => {}
            }
        }
        Ok(Self {
            watch: watch.as_deref().is_some_and(is_true),
            name: selector.as_deref().and_then(selected_name),
        })
    }
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_escaped = bytes.iter().enumerate().all(|(at, byte)| {
        let digit = |ahead: usize| {
            at.checked_add(ahead)
                .and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_hexdigit)
        };
        *byte != b'%' || (digit(1) && digit(2))
    });
    let text = is_escaped.then(|| text.replace('+', " "))?;
    Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
}

/// The name that a field selector requires (`k8s.io/apimachinery/pkg/fields`).
fn selected_name(selector: &str) -> Option<String> {
    let mut found = None;
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let at = term.find('=')?;
        let (field, value) = (term.get(..at)?, term.get(at.checked_add(1)?..)?);
        let value = unescape(value.strip_prefix('=').unwrap_or(value))?;
        // `name!=x` has the `!` before its `=`, so it is no such field.
        if field == "metadata.name" && found.is_none() {
            found = Some(value);
        }
    }
    found.filter(|name| {
        !name.is_empty() && !matches!(name.as_str(), "." | "..") && !name.contains(['/', '%'])
    })
}

/// Splits at commas that are not escaped.
fn split_terms(selector: &str) -> Vec<&str> {
    let mut escaped = false;
    selector
        .split(|character: char| {
            let splits = character == ',' && !escaped;
            escaped = character == '\\' && !escaped;
            splits
        })
        .collect()
}

fn unescape(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => characters
                .next()
                .filter(|next| matches!(next, '\\' | ',' | '='))?,
            ',' | '=' => return None,
            plain => plain,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests;
