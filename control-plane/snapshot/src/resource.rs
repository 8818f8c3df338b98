//! Versioned Envoy resources, ready to be sent.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use prost::{Message, Name};
use sha2::{Digest, Sha256};

/// The kinds of resource that the control plane serves, in the order in which
/// additions must reach Envoy (make before break): what is referred to comes
/// before what refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// SDS: CA bundles, client certificates and tokens of clusters.
    Secret,
    /// CDS.
    Cluster,
    /// ECDS: the filter's code and configuration.
    ExtensionConfig,
    /// LDS.
    Listener,
    /// RDS.
    RouteConfiguration,
}

/// One resource as Envoy gets it. Hundreds of streams share its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// A digest of the bytes.
    pub version: Arc<str>,
    /// The encoded message. Of what type it is says the kind under which it stands.
    pub value: Bytes,
    /// It refers to no other resource, and waits for none.
    pub stands_alone: bool,
}

/// Everything that one Envoy should have. Snapshots that are made of each other share what is the
/// same in both.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The revision of the store that it was made of, at least. It makes no other snapshot of it.
    pub revision: u64,
    kinds: BTreeMap<ResourceType, Arc<Kind>>,
}

/// All resources of one kind.
#[derive(Debug, Clone, Default)]
struct Kind {
    resources: BTreeMap<Arc<str>, Arc<Resource>>,
    /// Worked out when it is asked for: each of hundreds of streams does.
    version: OnceLock<String>,
}

/// The version of a kind of which there is nothing: of no bytes.
const NOTHING: &str = "e3b0c44298fc1c14";

// === impl ResourceType ===

impl ResourceType {
    /// All kinds, in the order of additions.
    pub const ALL: [Self; 5] = [
        Self::Secret,
        Self::Cluster,
        Self::ExtensionConfig,
        Self::Listener,
        Self::RouteConfiguration,
    ];

    /// Returns the type URL of the discovery protocol.
    pub fn type_url(self) -> &'static str {
        match self {
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::ExtensionConfig => {
                "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
            }
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::RouteConfiguration => {
                "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
            }
        }
    }

    /// Returns the kind that a type URL names, if it is one of ours.
    pub fn from_type_url(type_url: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.type_url() == type_url)
    }
}

// === impl Resource ===

impl Resource {
    /// Encodes `message` and takes its digest.
    pub fn new<M: Message + Name>(message: &M) -> Self {
        let value = message.encode_to_vec();
        let digest: [u8; 32] = Sha256::digest(&value).into();
        let (short, _) = digest.split_at(8);
        Self {
            version: hex::encode(short).into(),
            value: value.into(),
            stands_alone: false,
        }
    }

    /// The same, which refers to no other resource: it may go to Envoy whatever becomes
    /// of the others.
    #[must_use]
    pub fn standing_alone(self) -> Self {
        Self {
            stands_alone: true,
            ..self
        }
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Adds or replaces a resource.
    pub fn insert(&mut self, kind: ResourceType, name: impl Into<Arc<str>>, resource: Resource) {
        self.insert_shared(kind, name, Arc::new(resource));
    }

    /// The same for a resource that other snapshots have, too.
    pub fn insert_shared(
        &mut self,
        kind: ResourceType,
        name: impl Into<Arc<str>>,
        resource: Arc<Resource>,
    ) {
        let kind = Arc::make_mut(self.kinds.entry(kind).or_default());
        kind.resources.insert(name.into(), resource);
        kind.version.take();
    }

    /// Adds everything of another one.
    pub(crate) fn insert_all(&mut self, other: &Self) {
        for (kind, others) in &other.kinds {
            let own = Arc::make_mut(self.kinds.entry(*kind).or_default());
            let others = others.resources.iter();
            own.resources
                .extend(others.map(|(name, resource)| (Arc::clone(name), Arc::clone(resource))));
            own.version.take();
        }
    }

    /// Takes a resource out.
    pub fn remove(&mut self, kind: ResourceType, name: &str) {
        if let Some(kind) = self.kinds.get_mut(&kind)
            && kind.resources.contains_key(name)
        {
            let kind = Arc::make_mut(kind);
            kind.resources.remove(name);
            kind.version.take();
        }
    }

    /// One resource.
    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.kinds.get(&kind)?.resources.get(name)
    }

    /// One resource, and its name as others may share it.
    pub fn entry(&self, kind: ResourceType, name: &str) -> Option<(&Arc<str>, &Arc<Resource>)> {
        self.kinds.get(&kind)?.resources.get_key_value(name)
    }

    /// Returns all resources of a kind by name.
    pub fn all(&self, kind: ResourceType) -> impl Iterator<Item = (&Arc<str>, &Arc<Resource>)> {
        let resources = self.kinds.get(&kind).map(|kind| &kind.resources);
        resources.into_iter().flatten()
    }

    /// Returns a digest over everything of a kind: two Envoys that have accepted the same one
    /// have the same resources.
    pub fn version(&self, kind: ResourceType) -> &str {
        self.kinds.get(&kind).map_or(NOTHING, |kind| kind.version())
    }

    /// Returns whether both have the very same resources of a kind in memory. They may be
    /// equal if not.
    pub fn shares(&self, other: &Self, kind: ResourceType) -> bool {
        match (self.kinds.get(&kind), other.kinds.get(&kind)) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others),
            (None, None) => true,
            _ => false,
        }
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.kinds == other.kinds
    }
}

// === impl Kind ===

impl Kind {
    fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let mut digest = Sha256::new();
            for (name, resource) in &self.resources {
                for part in [name, &resource.version] {
                    digest.update(part.as_bytes());
                    digest.update([0]);
                }
            }
            let digest: [u8; 32] = digest.finalize().into();
            let (short, _) = digest.split_at(8);
            hex::encode(short)
        })
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        // Most are the very same ones, some of megabytes.
        let is_same = |own: &Arc<Resource>, others| Arc::ptr_eq(own, others) || own == others;
        let pairs = self.resources.iter().zip(&other.resources);
        self.resources.len() == other.resources.len()
            && pairs
                .into_iter()
                .all(|((name, own), (other, others))| name == other && is_same(own, others))
    }
}
