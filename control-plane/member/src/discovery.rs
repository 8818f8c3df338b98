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
mod kept;
mod listed;
mod look;
mod marks;
mod stored;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cubegate_domain::{ApiServer, Cluster};
use cubegate_filter_config::{ResourceEntry, Resources};
use cubegate_kube::groups::precedence;
use futures::StreamExt as _;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::{Deserialize, Serialize};
use tokio::time;

pub use self::error::DiscoveryError;
use self::kept::Kept;
pub use self::look::Look;
pub use self::marks::{Check, Marks};
use crate::client;

/// How long one reading may take with all its requests.
pub const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(15);

/// Where the core group is told of.
const CORE: &str = "/api";

/// Where all other groups are told of.
const GROUPS: &str = "/apis";

/// How long one document may take: an aggregated API server that hangs must not cost
/// the others their place.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest document. One that holds a thousand custom resources has some 1.5 MB.
const MAX_DOCUMENT_BYTES: usize = 8 << 20;

/// How long all documents of one reading may be together.
const MAX_READING_BYTES: usize = 32 << 20;

/// How many documents are read at the same time, over a connection each.
const AT_ONCE: usize = 4;

/// Most versions of groups that are read.
const MAX_VERSIONS: usize = 1_000;

/// Most resources of one cluster that are kept and that Envoys are told of.
const MAX_RESOURCES: usize = 4_000;

/// What discovery says to be, in the API server's audit log.
pub const USER_AGENT: &str = concat!("cubegate-discovery/", env!("CARGO_PKG_VERSION"));

/// Reads one cluster's discovery, with the gateway's own credential: it is the same for
/// everybody, and what of it somebody may list, the cluster decides at every request.
#[derive(Clone)]
pub struct Discoverer {
    server: ApiServer,
    connection: client::Kept,
}

/// One reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Discovery {
    /// In the order of their precedence.
    versions: Vec<Version>,
    leaves_out: bool,
}

/// How much of one reading has come.
#[derive(Default)]
struct Read(AtomicUsize);

/// What `/api` or `/apis` lists.
struct Versions {
    /// And whether each has its resources with it.
    versions: Vec<(Version, bool)>,
    leaves_out: bool,
    /// Whether all is in this document.
    is_whole: bool,
    /// The document's ETag and digest.
    tag: Option<HeaderValue>,
    digest: u64,
}

/// A document, and its ETag.
type Document = (Vec<u8>, Option<HeaderValue>);

/// A version of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Version {
    /// Empty for the core.
    group: String,
    name: String,
    /// `None`: it could not be read.
    resources: Option<Vec<Resource>>,
}

/// A resource of a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Resource {
    plural: String,
    kind: String,
    namespaced: bool,
}

// === impl Discoverer ===

impl Discoverer {
    /// Prepares a client; nothing is asked yet. It keeps one connection for what comes next.
    ///
    /// # Errors
    /// [`DiscoveryError::Configuration`] when the cluster's certificates cannot be used.
    pub fn new(cluster: &Cluster) -> Result<Self, DiscoveryError> {
        let config = client::config(&cluster.server, &cluster.tls, &cluster.credential)
            .map_err(DiscoveryError::Configuration)?;
        // Its own bound comes first, with words of its own.
        let connection = client::kept(&config, MAX_DOCUMENT_BYTES.saturating_mul(2))
            .map_err(DiscoveryError::Configuration)?;
        let server = cluster.server.clone();
        Ok(Self { server, connection })
    }

    /// Reads it once, within [`DISCOVERY_TIMEOUT`]. A group that cannot be read does not
    /// lose the others; see [`Discovery::unreachable`]. With it comes what tells whether the
    /// next reading would be the same.
    ///
    /// # Errors
    /// When what is there is not told at all; see [`DiscoveryError`].
    pub async fn discover(&self) -> Result<(Discovery, Marks), DiscoveryError> {
        time::timeout(DISCOVERY_TIMEOUT, self.read())
            .await
            .map_err(|_| DiscoveryError::TimedOut)?
    }

    async fn read(&self) -> Result<(Discovery, Marks), DiscoveryError> {
        let read = Read::default();
        // One after the other, over one connection.
        let core = self.root(CORE, &read).await?;
        let groups = self.root(GROUPS, &read).await?;
        if core.is_none() && groups.is_none() {
            return Err(DiscoveryError::NoKubernetes);
        }
        // Before the documents: what changes meanwhile has another mark.
        let marks = self.marks(core.as_ref(), groups.as_ref()).await;
        let mut leaves_out = false;
        let mut unread = Vec::new();
        for root in [core, groups].into_iter().flatten() {
            leaves_out |= root.leaves_out;
            unread.extend(root.versions);
        }
        // The versions of a group stay in the cluster's order of preference.
        unread.sort_by(|(a, _), (b, _)| precedence(&a.group).cmp(&precedence(&b.group)));
        leaves_out |= unread.len() > MAX_VERSIONS;
        unread.truncate(MAX_VERSIONS);
        let asked = unread.into_iter().map(|(version, is_whole)| {
            let read = &read;
            async move {
                if is_whole {
                    Ok(Some(version))
                } else {
                    self.fill(version, read).await
                }
            }
        });
        // In their order, since the first ones are kept.
        let mut asked = pin!(futures::stream::iter(asked).buffered(AT_ONCE));
        let mut kept = Kept::default();
        while !kept.leaves_out()
            && let Some(version) = asked.next().await
        {
            if let Some(version) = version? {
                kept.push(version);
            }
        }
        Ok((kept.into_discovery(leaves_out), marks))
    }

    async fn marks(&self, core: Option<&Versions>, groups: Option<&Versions>) -> Marks {
        let all_whole = [core, groups]
            .into_iter()
            .flatten()
            .all(|root| root.is_whole);
        if all_whole {
            let tag = |root: Option<&Versions>| root.and_then(|root| root.tag.clone());
            return Marks::whole(tag(core), tag(groups));
        }
        match groups {
            Some(groups) => Marks::by_version(self.openapi().await, groups.digest),
            None => Marks::default(),
        }
    }

    /// `/api` or `/apis`; nothing when the server has none.
    async fn root(&self, path: &str, read: &Read) -> Result<Option<Versions>, DiscoveryError> {
        let Some((bytes, tag)) = self.get(path, document::ACCEPT_ROOT, read).await? else {
            return Ok(None);
        };
        let digest = marks::digest_of(&bytes);
        let root = document::root(path, &bytes)?;
        let is_whole = root.is_whole();
        let mut versions = root.into_versions(path == CORE);
        versions.sort_by(|a, b| precedence(&a.group).cmp(&precedence(&b.group)));
        // At once: the other one may be long in coming.
        let Discovery {
            versions,
            leaves_out,
        } = Kept::of(versions);
        Ok(Some(Versions {
            versions: versions.into_iter().map(|one| (one, is_whole)).collect(),
            leaves_out,
            is_whole,
            tag,
            digest,
        }))
    }

    /// Returns what a version has. Nothing is left of one that has gone meanwhile.
    async fn fill(
        &self,
        mut version: Version,
        read: &Read,
    ) -> Result<Option<Version>, DiscoveryError> {
        let path = version.path();
        version.resources = match self.get(&path, document::ACCEPT, read).await {
            Ok(Some((bytes, _))) => document::resources(&path, &bytes).ok(),
            Ok(None) => return Ok(None),
            Err(DiscoveryError::TooMuch) => return Err(DiscoveryError::TooMuch),
            Err(_) => None,
        };
        Ok(Some(version))
    }

    /// Returns the body of a 200 and its ETag, or nothing for a 404.
    async fn get(
        &self,
        path: &str,
        accept: &str,
        read: &Read,
    ) -> Result<Option<Document>, DiscoveryError> {
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
                .connection
                .client()
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
            let tag = marks::tag_of(answer.headers());
            let mut body = answer.into_body();
            let mut bytes = Vec::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| no_answer(error.to_string()))?;
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                if bytes.len().saturating_add(data.len()) > MAX_DOCUMENT_BYTES {
                    return Err(DiscoveryError::TooLong {
                        path: path.to_owned(),
                    });
                }
                read.count(data.len())?;
                bytes.extend_from_slice(&data);
            }
            Ok(Some((bytes, tag)))
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
        let leaves_out = self.leaves_out;
        let mut kept = Kept::of(self.versions);
        kept.leaves_out |= leaves_out;
        kept
    }

    /// Returns whether the cluster has more than is kept: [`Self::resources`] are not all.
    pub fn leaves_out(&self) -> bool {
        self.leaves_out
    }

    /// Returns the versions, as `metrics.k8s.io/v1beta1`, that could not be read.
    pub fn unreachable(&self) -> Vec<String> {
        self.versions
            .iter()
            .filter(|version| version.resources.is_none())
            .map(|version| format!("{}/{}", version.group, version.name))
            .collect()
    }

    /// Returns the resources by their plural name. Of each group a resource is taken from the
    /// version that the cluster prefers, or the next one that has it (`cronjobs` of
    /// Kubernetes 1.20 are in `batch/v1beta1` alone). Groups that have a name in common
    /// come in this order: the core, the groups of Kubernetes itself, the others by name.
    /// So nobody takes a name over by making a custom resource, and `pods` are never
    /// those of `metrics.k8s.io`.
    ///
    /// In the filter's configuration the 48 names of a Kubernetes 1.20 take 4.5 KB
    /// (measured), a custom resource some 100 bytes; there are no more than 4,000.
    pub fn resources(&self) -> Resources {
        let mut resources = Resources::new();
        for version in &self.versions {
            for resource in version.resources.iter().flatten() {
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
        resources
    }
}

// === impl Read ===

impl Read {
    fn count(&self, bytes: usize) -> Result<(), DiscoveryError> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_READING_BYTES {
            return Err(DiscoveryError::TooMuch);
        }
        Ok(())
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
