//! KubeSphere's resource lists: `/kapis/resources.kubesphere.io/v1alpha3`.
//!
//! A path there names a resource and neither its group nor its version. Those are
//! what the discovery of the cluster says, which the control plane reads and sends.

mod services;

use std::collections::BTreeMap;

use cubegate_filter_config::ResourceEntry;
use cubegate_list::Projection;
use percent_encoding::percent_decode_str;

use crate::Reply;
use crate::attributes::{Attributes, Resource};

pub(crate) use services::{ask as ask_services, services};

/// The root of KubeSphere's own APIs.
pub(crate) const ROOT: &str = "/kapis";

/// The one of them that the filter serves.
pub(crate) const GROUP: &str = "/kapis/resources.kubesphere.io";

const VERSION: &str = "/kapis/resources.kubesphere.io/v1alpha3/";

/// What an object is written in when somebody has used `kubectl apply`, whole.
const LAST_APPLIED: &str = "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration";

/// What objects hold that nobody gets through this API, by resource: KubeSphere's
/// and KubeCube's password hashes and credentials.
const SECRETS: [(&str, &[&str]); 3] = [
    ("users", &["spec.password", LAST_APPLIED]),
    ("keys", &["spec.secretKey", LAST_APPLIED]),
    (
        "clusters",
        &[
            "spec.kubeConfig",
            "spec.kubeconfig",
            "spec.connection.kubeconfig",
            LAST_APPLIED,
        ],
    ),
];

/// What a path asks for. Its parts are still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ResourcePath<'a> {
    namespace: Option<&'a str>,
    resource: &'a str,
    name: Option<&'a str>,
}

/// What is asked of the API server in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceRequest {
    /// The path at the API server.
    pub(crate) path: String,
    /// What is asked, as KubeSphere's own authorizer sees it.
    pub(crate) asked: Resource,
    /// The resource's plural name.
    pub(crate) resource: String,
    /// The kind of its objects.
    pub(crate) kind: String,
    /// The object's name, decoded; `None` for a list.
    pub(crate) name: Option<String>,
    /// What is left of its objects.
    pub(crate) projection: Projection,
}

/// Why there is no such request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is no such path.
    Page,
    /// The cluster has no such resource, or not there.
    Resource,
    /// Nobody knows yet what the cluster has.
    Discovery,
}

/// What a path below [`GROUP`] asks of a cluster with these resources.
pub(crate) fn resolve(
    path: &str,
    resources: &BTreeMap<String, Vec<ResourceEntry>>,
) -> Result<ResourceRequest, Missing> {
    let parsed = ResourcePath::parse(path).ok_or(Missing::Page)?;
    if resources.is_empty() {
        return Err(Missing::Discovery);
    }
    let plural = percent_decode_str(parsed.resource).decode_utf8_lossy();
    let (plural, entries) = resources
        .get_key_value(plural.as_ref())
        .ok_or(Missing::Resource)?;
    let entry = entries
        .iter()
        .find(|entry| parsed.fits(entry))
        .ok_or(Missing::Resource)?;
    let secrets = SECRETS.iter().find(|(resource, _)| resource == plural);
    Ok(ResourceRequest {
        path: parsed.at(entry, plural),
        asked: attributes("GET", path).ok_or(Missing::Page)?,
        resource: plural.clone(),
        kind: entry.kind.clone(),
        name: parsed
            .name
            .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned()),
        projection: secrets
            .map_or_else(Projection::default, |(_, paths)| Projection::without(paths)),
    })
}

/// A request for a path below [`ROOT`] as KubeSphere's authorizer sees it.
pub(crate) fn attributes(method: &str, path: &str) -> Option<Resource> {
    let path = format!("/apis{}", path.strip_prefix(ROOT)?);
    match Attributes::of(method, path.trim_end_matches('/'), None) {
        Ok(Attributes::Resource(resource)) => Some(resource),
        _ => None,
    }
}

// === impl ResourcePath ===

impl<'a> ResourcePath<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix(VERSION)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let (namespace, resource, name) = match *segments.as_slice() {
            ["namespaces", namespace, resource] => (Some(namespace), resource, None),
            ["namespaces", namespace, resource, name] => (Some(namespace), resource, Some(name)),
            [resource] => (None, resource, None),
            [resource, name] => (None, resource, Some(name)),
            _ => return None,
        };
        Some(Self {
            namespace,
            resource,
            name,
        })
    }

    /// Whether such objects can be at this place: a single one is where it belongs,
    /// and the lists of all namespaces are asked for without one.
    fn fits(&self, entry: &ResourceEntry) -> bool {
        match (self.namespace, self.name) {
            (Some(_), _) => entry.namespaced,
            (None, Some(_)) => !entry.namespaced,
            (None, None) => true,
        }
    }

    fn at(&self, entry: &ResourceEntry, plural: &str) -> String {
        let namespace = self
            .namespace
            .map(|namespace| format!("/namespaces/{namespace}"));
        let name = self.name.map(|name| format!("/{name}"));
        format!(
            "{}{}/{plural}{}",
            entry.path,
            namespace.unwrap_or_default(),
            name.unwrap_or_default()
        )
    }
}

// === impl Missing ===

impl Missing {
    /// What the client is told.
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Page => Reply::page_not_found(),
            Self::Resource => Reply::resource_not_supported(),
            Self::Discovery => Reply::resources_unknown(),
        }
    }
}

#[cfg(test)]
mod tests;
