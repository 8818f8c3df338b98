//! What a token of a bounded access key may be used for.
//!
//! RBAC in the cluster says what the user may do; a scope can only take from that.
//! It is checked before the request leaves, on what the API server will understand
//! of it ([`RequestInfo`]), and again for each call that the gateway makes itself to
//! answer it.

mod reviews;
mod rules;

use cubegate_kube::{Ambiguous, RequestInfo, ResourceInfo};
use cubegate_token::KeyScope;
use thiserror::Error;

use crate::verify::Caller;

pub(crate) use reviews::{AccessReview, Review, RulesReview, SelfReview};
pub(crate) use rules::ClusterScoped;

/// Whose request it is: how far it may go at the cluster that it is for.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    caller: Caller,
}

/// The cluster that a request is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) cluster: &'a str,
    /// The path names it; one that names none is for the host cluster.
    pub(crate) is_named: bool,
}

/// A request as far as a scope looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// The path at the API server, still encoded.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) upgrade: bool,
}

/// Why a request is beyond its scope. Nothing of the request is repeated; what the
/// scope is, whoever has the token knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum OutOfScope {
    #[error("The access key of this token is not for this cluster.")]
    Cluster,
    #[error(
        "This token is for the cluster {0} alone; the kubeconfig that the gateway gives has one for each."
    )]
    OtherCluster(String),
    #[error(
        "This token is for {0} alone, and a path without a cluster is the host cluster's. kubectl drops the path of its server for --raw (before 1.34), and in kubectl proxy without --append-server-path; write /clusters/{0}{path}.",
        path = "/api/…"
    )]
    HostPath(String),
    #[error("The access key of this token is not for this namespace.")]
    Namespace,
    #[error(
        "The access key of this token is for the namespaces {} only; what is in no namespace or in all of them is out of its reach.",
        .0.join(", ")
    )]
    NoNamespace(Vec<String>),
    #[error("The access key of this token does not allow the verb {0}.")]
    Verb(&'static str),
    #[error("The access key of this token does not allow this verb.")]
    OtherVerb,
    #[error("The access key of this token does not allow this method.")]
    Method,
    #[error(
        "With a bounded access key a path must not have empty segments, nor a query bare semicolons."
    )]
    Ambiguous,
}

/// The verb that opens a connection into a pod, node or service, whatever the
/// method says: browsers open one by GET.
const CONNECT_VERB: &str = "create";

/// Sub-resources that are such connections.
const CONNECTIONS: [&str; 4] = ["attach", "exec", "portforward", "proxy"];

/// Paths that tell what a server is and has, and nothing of what is in it: those of
/// Kubernetes' own role `system:discovery`, and the root that lists them.
const DISCOVERY: [&str; 8] = [
    "/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version", "",
];

// === impl Bounds ===

impl Bounds {
    /// For a request of this caller to this cluster.
    ///
    /// # Errors
    /// Why it must not go there at all.
    pub(crate) fn at(caller: &Caller, at: At<'_>) -> Result<Self, OutOfScope> {
        let bounds = Self {
            caller: caller.clone(),
        };
        match bounds.scope() {
            Some(KeyScope { clusters, .. }) if !allows(clusters, at.cluster) => {
                Err(match clusters.as_slice() {
                    [cluster] if !at.is_named => OutOfScope::HostPath(cluster.clone()),
                    [cluster] if caller.claims().access_key.is_none() => {
                        OutOfScope::OtherCluster(cluster.clone())
                    }
                    _ => OutOfScope::Cluster,
                })
            }
            _ => Ok(bounds),
        }
    }

    /// Returns the caller's name.
    pub(crate) fn user(&self) -> &str {
        &self.caller.claims().user
    }

    fn scope(&self) -> Option<&KeyScope> {
        self.caller.claims().scope.as_ref()
    }

    /// Whether the request may leave.
    pub(crate) fn check(&self, asked: &Asked<'_>) -> Result<(), OutOfScope> {
        match self.scope() {
            None => Ok(()),
            Some(scope) => check(scope, asked),
        }
    }
}

fn check(scope: &KeyScope, asked: &Asked<'_>) -> Result<(), OutOfScope> {
    if scope.namespaces.is_empty() && scope.verbs.is_empty() {
        return Ok(());
    }
    if SelfReview::of(asked).is_some() {
        return Ok(());
    }
    let info = RequestInfo::of(asked.method, asked.path, asked.query)
        .map_err(|Ambiguous(_)| OutOfScope::Ambiguous)?;
    check_place(scope, &info)?;
    match verb(&info, asked.upgrade) {
        _ if scope.verbs.is_empty() => Ok(()),
        Some(verb) if allows(&scope.verbs, verb) => Ok(()),
        Some(verb) => Err(OutOfScope::Verb(verb)),
        None => Err(OutOfScope::Method),
    }
}

/// Returns whether a list of the scope holds this; an empty one bounds nothing.
fn allows(bound: &[String], name: &str) -> bool {
    bound.is_empty() || bound.iter().any(|one| one == name)
}

/// Whether the namespaces of the scope hold what is asked.
fn check_place(scope: &KeyScope, info: &RequestInfo) -> Result<(), OutOfScope> {
    if scope.namespaces.is_empty() {
        return Ok(());
    }
    let no_namespace = || Err(OutOfScope::NoNamespace(scope.namespaces.clone()));
    let resource = match info {
        RequestInfo::Resource(resource) => resource,
        RequestInfo::NonResource { verb, path } if is_discovery(verb, path) => return Ok(()),
        RequestInfo::NonResource { .. } => return no_namespace(),
    };
    if resource.resource == "namespaces" {
        // A Namespace is itself in none. Who may see what is in it may see it, too.
        let is_read = matches!(resource.verb, "get" | "list" | "watch");
        return match resource {
            ResourceInfo { name, .. } if name.is_empty() => no_namespace(),
            ResourceInfo { name, .. } if !allows(&scope.namespaces, name) => {
                Err(OutOfScope::Namespace)
            }
            ResourceInfo { group, .. } if is_read && group.is_empty() => Ok(()),
            _ => no_namespace(),
        };
    }
    match resource.namespace.as_str() {
        "" => no_namespace(),
        namespace if allows(&scope.namespaces, namespace) => Ok(()),
        _ => Err(OutOfScope::Namespace),
    }
}

fn is_discovery(verb: &str, path: &str) -> bool {
    matches!(verb, "get" | "head")
        && DISCOVERY.iter().any(|allowed| {
            path.strip_prefix(allowed).is_some_and(|rest| {
                rest.is_empty() || (rest.starts_with('/') && (!allowed.is_empty() || rest == "/"))
            })
        })
}

/// Returns the verb that the request takes; `None` for a method that is none.
fn verb(info: &RequestInfo, upgrade: bool) -> Option<&'static str> {
    let resource = match info {
        RequestInfo::Resource(resource) => resource,
        RequestInfo::NonResource { .. } if upgrade => return Some(CONNECT_VERB),
        RequestInfo::NonResource { verb, .. } => {
            return match verb.as_str() {
                "get" | "head" => Some("get"),
                "post" => Some("create"),
                "put" => Some("update"),
                "patch" => Some("patch"),
                "delete" => Some("delete"),
                _ => None,
            };
        }
    };
    let connects = resource.verb == "proxy"
        || CONNECTIONS.contains(&resource.subresource.as_str())
        // A tunnel under another name, an aggregated server's console say. What
        // only sends, watch and log, is what it is without the upgrade.
        || (upgrade && resource.verb != "watch" && resource.subresource != "log");
    match resource.verb {
        _ if connects => Some(CONNECT_VERB),
        "" => None,
        verb => Some(verb),
    }
}

#[cfg(test)]
mod tests;
