//! What a request asks of an API server: verb, namespace, resource.
//!
//! The rules are the API server's own, `RequestInfoFactory` in
//! `k8s.io/apiserver/pkg/endpoints/request`, so that a bound on namespaces and verbs
//! means the same here as RBAC means there, and a record names what was asked. What two
//! servers could read in two ways is told as [`Ambiguous`].

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::field_selector::{self, Requirement};
use crate::query;

/// A request as the API server understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestInfo {
    /// For an object or a collection of them.
    Resource(ResourceInfo),
    /// For another path, `/version` say.
    NonResource {
        /// The method, in lower case.
        verb: String,
        /// The path, decoded.
        path: String,
    },
}

/// A request for a resource. What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceInfo {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
    /// `deletecollection`, `proxy`; empty for a method that has none.
    pub verb: &'static str,
    /// Empty for the core group.
    pub group: String,
    /// The group's version, `v1`.
    pub version: String,
    /// Empty for what is in no namespace, and for all namespaces at once.
    pub namespace: String,
    /// The resource's plural name, `pods`.
    pub resource: String,
    /// What of the object is asked for, `log`.
    pub subresource: String,
    /// The object's name; of a collection the one that a field selector requires.
    pub name: String,
}

/// The request can be read in two ways. What Kubernetes makes of it is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the path has an empty segment or no resource, or the query holds a bare semicolon")]
pub struct Ambiguous(pub Box<RequestInfo>);

/// What stands before the resource in a path and is a verb of its own.
pub(crate) const WATCH: &str = "watch";
const PROXY: &str = "proxy";

/// What follows a namespace's name and is no resource in it.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["finalize", "status"];

/// The field that a field selector chooses one object by.
const NAME_FIELD: &str = "metadata.name";

// === impl RequestInfo ===

impl RequestInfo {
    /// Reads a request. `path` is the one at the API server, still encoded.
    ///
    /// # Errors
    /// [`Ambiguous`], when another server or a proxy before it may read it otherwise.
    pub fn of(method: &str, path: &str, query: Option<&str>) -> Result<Self, Ambiguous> {
        Self::read(&["apis"], method, path, query)
    }

    /// Reads a request as KubeSphere does, whose own APIs below `/kapis` have the form of
    /// Kubernetes'.
    ///
    /// # Errors
    /// As for [`RequestInfo::of`].
    pub fn of_kubesphere(method: &str, path: &str, query: Option<&str>) -> Result<Self, Ambiguous> {
        Self::read(&["apis", "kapis"], method, path, query)
    }

    /// `group_roots` are those behind which the name of a group stands.
    fn read(
        group_roots: &[&str],
        method: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, Ambiguous> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        let segments: Vec<&str> = match path.trim_matches('/') {
            "" => Vec::new(),
            trimmed => trimmed.split('/').collect(),
        };
        let non_resource = || Self::NonResource {
            verb: method.to_ascii_lowercase(),
            path: path.to_string(),
        };
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            [root, group, version, rest @ ..] if !rest.is_empty() && group_roots.contains(root) => {
                (*group, *version, rest)
            }
            _ => return Ok(non_resource()),
        };
        let (mut verb, rest) = match rest {
            [WATCH | PROXY] => return Err(Ambiguous(Box::new(non_resource()))),
            [WATCH, rest @ ..] => (WATCH, rest),
            [PROXY, rest @ ..] => (PROXY, rest),
            rest => (verb_of(method), rest),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if rest
                    .first()
                    .is_some_and(|first| !NAMESPACE_SUBRESOURCES.contains(first)) =>
            {
                (*namespace, rest)
            }
            ["namespaces", namespace, ..] => (*namespace, rest),
            rest => ("", rest),
        };
        let part = |at: usize| rest.get(at).copied().unwrap_or_default();
        let has_subresource = verb != PROXY && rest.len() >= 3;
        // Behind a sub-resource the path may be an application's.
        let unread = rest
            .len()
            .saturating_sub(if has_subresource { 3 } else { 2 });
        // A server or a proxy before it may join what an empty segment parts.
        let mut read = segments.iter().take(segments.len().saturating_sub(unread));
        let mut is_ambiguous = read.any(|segment| segment.is_empty());
        let mut name = part(1).to_owned();
        if name.is_empty() && verb == "get" {
            let query = query.unwrap_or_default();
            // It parts two pairs for servers that were built with Go before 1.17, and
            // spoils a pair for others.
            is_ambiguous |= query.contains(';');
            let options = ListOptions::of(query);
            verb = if options.watch { WATCH } else { "list" };
            name = options.name.unwrap_or_default();
        } else if name.is_empty() && verb == "delete" {
            verb = "deletecollection";
        }
        let info = Self::Resource(ResourceInfo {
            verb,
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0).to_owned(),
            subresource: if has_subresource { part(2) } else { "" }.to_owned(),
            name,
        });
        if is_ambiguous {
            Err(Ambiguous(Box::new(info)))
        } else {
            Ok(info)
        }
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
struct ListOptions {
    watch: bool,
    /// The one name that a field selector asks for.
    name: Option<String>,
}

// === impl ListOptions ===

impl ListOptions {
    /// As in Go, the first of several values counts.
    fn of(query: &str) -> Self {
        let (mut watch, mut selector) = (None, None);
        for (name, value) in query::pairs(query) {
            match name.as_str() {
                "watch" => watch = watch.or(Some(value)),
                "fieldSelector" => selector = selector.or(Some(value)),
                _ => {}
            }
        }
        Self {
            watch: watch.as_deref().is_some_and(query::is_true),
            name: selector.as_deref().and_then(required_name),
        }
    }
}

/// Returns the name that a field selector requires, as Kubernetes finds it: of its terms in the
/// order of their texts, and only if it is a selector at all and the name can stand in a path.
fn required_name(selector: &str) -> Option<String> {
    let mut terms: Vec<&str> = field_selector::terms(selector)
        .map(|(term, _)| term)
        .collect();
    terms.sort_unstable();
    let requirements: Vec<Requirement<'_>> = terms
        .into_iter()
        .map(Requirement::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let mut requirements = requirements.into_iter();
    let found = requirements.find(|one| one.field == NAME_FIELD && one.is_equal)?;
    let name = found.value;
    (!matches!(name.as_str(), "." | "..") && !name.contains(['/', '%'])).then_some(name)
}

#[cfg(test)]
mod tests;
