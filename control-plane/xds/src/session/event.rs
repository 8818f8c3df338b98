//! What a session has to tell besides responses.

use cubegate_snapshot::ResourceType;
use envoy_types::pb::envoy::config::core::v3 as proto;

/// Who is at the other end of a stream, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// `node.id` of the bootstrap.
    pub id: String,
    /// `node.cluster` of the bootstrap.
    pub cluster: String,
    /// The version of Envoy, such as `1.40.0`; empty if it did not say.
    pub version: String,
}

/// Something worth a line in the log or on the admin page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first request has come.
    Connected(Node),
    /// Envoy has taken a response.
    Accepted {
        /// The type of its resources.
        kind: ResourceType,
        /// The version of the whole type.
        version: String,
        /// How many resources of the type Envoy has now.
        resources: usize,
    },
    /// Envoy has refused a response (a NACK) and keeps what it had.
    Refused {
        /// The type of its resources.
        kind: ResourceType,
        /// The version of the whole type; empty if the answer was stale.
        version: String,
        /// The resources that were in the response; empty if the answer was
        /// stale.
        names: Vec<String>,
        /// The reason in Envoy's words.
        message: String,
    },
    /// Envoy has not answered a response in time; other types go on without.
    Overdue {
        /// The type of its resources.
        kind: ResourceType,
        /// The resources that were in the response.
        names: Vec<String>,
    },
}

/// A request that makes no sense here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SessionError {
    /// The first request of a stream does not say who is calling.
    #[error(
        "the first request carries no node.id; set it in Envoy's bootstrap or by --service-node"
    )]
    NoNode,
    /// A type that the control plane does not have.
    #[error(
        "resources of type {type_url:?} are not served here; look for the config_source with `ads` that asks for them"
    )]
    UnknownType {
        /// The type URL of the request.
        type_url: String,
    },
}

// === impl Node ===

impl Node {
    /// Takes what is of interest from the message.
    pub(super) fn from_proto(node: proto::Node) -> Self {
        use proto::node::UserAgentVersionType;

        let version = match node.user_agent_version_type {
            Some(UserAgentVersionType::UserAgentVersion(version)) => version,
            Some(UserAgentVersionType::UserAgentBuildVersion(build)) => build
                .version
                .map(|v| format!("{}.{}.{}", v.major_number, v.minor_number, v.patch))
                .unwrap_or_default(),
            None => String::new(),
        };
        Self {
            id: node.id,
            cluster: node.cluster,
            version,
        }
    }
}

// === impl SessionError ===

impl SessionError {
    /// Returns whether the stream must end. If not, the request is skipped and the rest
    /// goes on.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::NoNode)
    }
}
