//! KubeSphere's resource lists: `/kapis/resources.kubesphere.io/v1alpha3`.
//!
//! A path there names a resource and neither its group nor its version. Those are
//! what the discovery of the cluster says, which the control plane reads and sends.

mod services;

use std::collections::BTreeMap;

use cubegate_filter_config::ResourceEntry;
use cubegate_kube::{RequestInfo, ResourceInfo};
use cubegate_list::{Projection, kubesphere};
use percent_encoding::percent_decode_str;

use crate::Reply;

pub(crate) use services::{ask as ask_services, services};

/// The root of KubeSphere's own APIs.
pub(crate) const ROOT: &str = "/kapis";

/// The one of them that the filter serves.
pub(crate) const GROUP: &str = "/kapis/resources.kubesphere.io";

const VERSION: &str = "/kapis/resources.kubesphere.io/v1alpha3/";

/// The clusters of a multi-cluster KubeSphere.
const CLUSTERS: &str = "clusters";

/// Where KubeSphere keeps them: another group's are other things, such as Cluster API's.
const CLUSTERS_GROUP: &str = "/apis/cluster.kubesphere.io/";

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
    pub(crate) asked: ResourceInfo,
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

/// Returns what a path below [`GROUP`] asks of a cluster with these resources.
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
    Ok(ResourceRequest {
        path: parsed.at(entry, plural),
        asked: match RequestInfo::of_kubesphere("GET", path, None) {
            Ok(RequestInfo::Resource(asked)) => asked,
            _ => return Err(Missing::Page),
        },
        resource: plural.clone(),
        kind: entry.kind.clone(),
        name: parsed
            .name
            .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned()),
        projection: kubesphere::without_secrets(plural),
    })
}

/// Returns whether a path below [`GROUP`] asks for the gateway's own clusters. It does not
/// when the host cluster, which has these resources, is a KubeSphere with clusters itself, or
/// may be one. `None`: there is no host cluster.
pub(crate) fn is_for_own_clusters(
    path: &str,
    resources: Option<&BTreeMap<String, Vec<ResourceEntry>>>,
) -> bool {
    let asked = ResourcePath::parse(path);
    if !asked.is_some_and(|asked| asked.namespace.is_none() && asked.resource == CLUSTERS) {
        return false;
    }
    resources.is_none_or(|resources| {
        let entries = resources.get(CLUSTERS).into_iter().flatten();
        let mut groups = entries.map(|entry| entry.path.as_str());
        !resources.is_empty() && !groups.any(|path| path.starts_with(CLUSTERS_GROUP))
    })
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

    /// Returns whether such objects can be at this place: a single one is where it belongs,
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
    /// Returns what the client is told.
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
