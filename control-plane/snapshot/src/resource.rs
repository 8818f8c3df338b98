//! Versioned Envoy resources, ready to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::google::protobuf::Any;
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

/// One resource as Envoy gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// A digest of the bytes.
    pub version: String,
    /// The message.
    pub any: Any,
    /// It refers to no other resource, and waits for none.
    pub stands_alone: bool,
}

/// Everything that one Envoy should have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    resources: BTreeMap<ResourceType, BTreeMap<String, Arc<Resource>>>,
}

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
            version: hex::encode(short),
            any: Any {
                type_url: M::type_url(),
                value,
            },
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
    pub fn insert(&mut self, kind: ResourceType, name: impl Into<String>, resource: Resource) {
        self.insert_shared(kind, name, Arc::new(resource));
    }

    /// The same for a resource that other snapshots have, too.
    pub fn insert_shared(
        &mut self,
        kind: ResourceType,
        name: impl Into<String>,
        resource: Arc<Resource>,
    ) {
        self.resources
            .entry(kind)
            .or_default()
            .insert(name.into(), resource);
    }

    /// Takes a resource out.
    pub fn remove(&mut self, kind: ResourceType, name: &str) {
        if let Some(resources) = self.resources.get_mut(&kind) {
            resources.remove(name);
        }
    }

    /// One resource.
    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.resources.get(&kind)?.get(name)
    }

    /// Returns all resources of a kind by name.
    pub fn all(&self, kind: ResourceType) -> impl Iterator<Item = (&str, &Arc<Resource>)> {
        self.resources
            .get(&kind)
            .into_iter()
            .flatten()
            .map(|(name, resource)| (name.as_str(), resource))
    }
}
