//! What resources a member cluster has, as its own discovery tells it: built-in ones,
//! custom ones and those of aggregated API servers.
//!
//! ```text
//! /api, /apis ─┬─ one document with all (Kubernetes 1.26 on) ─┐
//!              └─ a list of groups ──> one document each ─────┴─> Discovery ──> Resources
//! ```
//!
//! The cluster's answers are hostile until read: documents and numbers are bounded, and
//! a name that is none of Kubernetes is left out, since paths are made of names.

mod document;
mod error;
mod precedence;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_filter_config::{ResourceEntry, Resources};
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::client::Body;
use tokio::time;

use self::document::Root;
pub use self::error::DiscoveryError;
use crate::client;

/// How long one reading may take with all its requests.
pub const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one document may take: an aggregated API server that hangs must not cost
/// the others their place.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest document. One that holds a thousand custom resources has some 1.5 MB.
const MAX_DOCUMENT_BYTES: usize = 8 << 20;

/// How many documents are read at the same time.
const AT_ONCE: usize = 8;

/// Most versions of groups that are read.
const MAX_VERSIONS: usize = 1_000;

/// Most resources of one cluster that Envoys are told of.
const MAX_RESOURCES: usize = 4_000;

/// What discovery says to be, in the API server's audit log.
pub const USER_AGENT: &str = concat!("cubegate-discovery/", env!("CARGO_PKG_VERSION"));

/// Reads one cluster's discovery, with the gateway's own credential: it is the same for
/// everybody, and what of it somebody may list, the cluster decides at every request.
#[derive(Clone)]
pub struct Discoverer {
    client: kube::Client,
}

/// One reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// In the order of their precedence.
    versions: Vec<Version>,
}

/// A version of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    /// Empty for the core.
    group: String,
    name: String,
    /// `None`: it could not be read.
    resources: Option<Vec<Resource>>,
}

/// A resource of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resource {
    plural: String,
    kind: String,
    namespaced: bool,
}

// === impl Discoverer ===

impl Discoverer {
    /// Prepares a client; nothing is asked yet. It keeps its connections for the next
    /// reading.
    ///
    /// # Errors
    /// [`DiscoveryError::Configuration`] when the cluster's certificates cannot be used.
    pub fn new(cluster: &Cluster) -> Result<Self, DiscoveryError> {
        let config = client::config(&cluster.server, &cluster.tls, &cluster.credential)
            .map_err(DiscoveryError::Configuration)?;
        // Its own bound comes first, with words of its own.
        let client = client::connect(config, MAX_DOCUMENT_BYTES.saturating_mul(2))
            .map_err(DiscoveryError::Configuration)?;
        Ok(Self { client })
    }

    /// Reads it once, within [`DISCOVERY_TIMEOUT`]. A group that cannot be read does not
    /// lose the others; see [`Discovery::unreachable`].
    ///
    /// # Errors
    /// When what is there is not told at all; see [`DiscoveryError`].
    pub async fn discover(&self) -> Result<Discovery, DiscoveryError> {
        time::timeout(DISCOVERY_TIMEOUT, self.read())
            .await
            .map_err(|_| DiscoveryError::TimedOut)?
    }

    async fn read(&self) -> Result<Discovery, DiscoveryError> {
        let (core, groups) = futures::try_join!(self.root("/api"), self.root("/apis"))?;
        if core.is_none() && groups.is_none() {
            return Err(DiscoveryError::NoKubernetes);
        }
        let mut read = Vec::new();
        let mut unread = Vec::new();
        for root in [core, groups].into_iter().flatten() {
            let whole = root.is_whole();
            let versions = root.into_versions();
            if whole {
                read.extend(versions);
            } else {
                unread.extend(versions);
            }
        }
        unread.truncate(MAX_VERSIONS);
        read.truncate(MAX_VERSIONS);
        let asked: Vec<_> =
            futures::stream::iter(unread.into_iter().map(|version| self.fill(version)))
                .buffered(AT_ONCE)
                .collect()
                .await;
        read.extend(asked.into_iter().flatten());
        // Stable: the versions of a group stay in the cluster's order of preference.
        read.sort_by(|a, b| precedence::of(&a.group).cmp(&precedence::of(&b.group)));
        Ok(Discovery { versions: read })
    }

    /// `/api` or `/apis`; nothing when the server has none.
    async fn root(&self, path: &str) -> Result<Option<Root>, DiscoveryError> {
        match self.get(path, document::ACCEPT_ROOT).await? {
            Some(bytes) => document::root(path, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// What a version has. Nothing is left of one that has gone meanwhile.
    async fn fill(&self, mut version: Version) -> Option<Version> {
        let path = version.path();
        let read = match self.get(&path, document::ACCEPT).await {
            Ok(Some(bytes)) => document::resources(&path, &bytes),
            Ok(None) => return None,
            Err(error) => Err(error),
        };
        version.resources = read.ok();
        Some(version)
    }

    /// The body of a 200, or nothing for a 404.
    async fn get(&self, path: &str, accept: &str) -> Result<Option<Vec<u8>>, DiscoveryError> {
        let ask = async {
            let request = Request::get(path)
                .header(header::ACCEPT, accept)
                .header(header::USER_AGENT, USER_AGENT)
                .body(Body::empty())
                .map_err(|error| DiscoveryError::Configuration(error.to_string()))?;
            let no_answer = |reason| DiscoveryError::NoAnswer {
                path: path.to_owned(),
                reason,
            };
            let answer = self
                .client
                .send(request)
                .await
                .map_err(|error| no_answer(client::innermost(&error)))?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND => return Ok(None),
                status => {
                    return Err(DiscoveryError::Refused {
                        path: path.to_owned(),
                        status: status.as_u16(),
                    });
                }
            }
            let body = Limited::new(answer.into_body(), MAX_DOCUMENT_BYTES)
                .collect()
                .await
                .map_err(|error| {
                    if error.is::<LengthLimitError>() {
                        DiscoveryError::TooLong {
                            path: path.to_owned(),
                        }
                    } else {
                        no_answer(error.to_string())
                    }
                })?;
            Ok(Some(body.to_bytes().to_vec()))
        };
        time::timeout(DOCUMENT_TIMEOUT, ask)
            .await
            .map_err(|_| DiscoveryError::NoAnswer {
                path: path.to_owned(),
                reason: format!("nothing within {} seconds", DOCUMENT_TIMEOUT.as_secs()),
            })?
    }
}

// === impl Discovery ===

impl Discovery {
    /// The same reading, in which what could not be read is as it was in an earlier one.
    #[must_use]
    pub fn or_from(mut self, earlier: &Self) -> Self {
        for version in &mut self.versions {
            if version.resources.is_none() {
                let same =
                    |known: &&Version| known.group == version.group && known.name == version.name;
                version.resources = earlier
                    .versions
                    .iter()
                    .find(same)
                    .and_then(|known| known.resources.clone());
            }
        }
        self
    }

    /// The versions, as `metrics.k8s.io/v1beta1`, that could not be read.
    pub fn unreachable(&self) -> Vec<String> {
        self.versions
            .iter()
            .filter(|version| version.resources.is_none())
            .map(|version| format!("{}/{}", version.group, version.name))
            .collect()
    }

    /// The resources by their plural name. Of each group a resource is taken from the
    /// version that the cluster prefers, or the next one that has it (`cronjobs` of
    /// Kubernetes 1.20 are in `batch/v1beta1` alone). Groups that have a name in common
    /// come in this order: the core, the groups of Kubernetes itself, the others by name.
    /// So nobody takes a name over by making a custom resource, and `pods` are never
    /// those of `metrics.k8s.io`.
    ///
    /// In the filter's configuration the 48 names of a Kubernetes 1.20 take 4.5 KB
    /// (measured), a custom resource some 100 bytes; no more than 4,000 are told.
    pub fn resources(&self) -> Resources {
        let mut taken = BTreeSet::new();
        let mut resources = Resources::new();
        for version in &self.versions {
            for resource in version.resources.iter().flatten() {
                if taken.len() == MAX_RESOURCES {
                    return resources;
                }
                if taken.insert((version.group.as_str(), resource.plural.as_str())) {
                    resources
                        .entry(resource.plural.clone())
                        .or_default()
                        .push(ResourceEntry {
                            path: version.path(),
                            kind: resource.kind.clone(),
                            namespaced: resource.namespaced,
                        });
                }
            }
        }
        resources
    }
}

// === impl Version ===

impl Version {
    fn path(&self) -> String {
        let Self { group, name, .. } = self;
        if group.is_empty() {
            format!("/api/{name}")
        } else {
            format!("/apis/{group}/{name}")
        }
    }
}
