//! What the control plane tells the filter, versioned.
//!
//! ```text
//! domain state ──snapshot──> FilterConfig ──JSON in ECDS──> filter (on_configure)
//!              ├──────────> MembersPart, DiscoveryPart, JSON in ECDS: the clusters
//!              └──────────> Epochs, Sessions ──bytes in ECDS──┘ what is refused
//! ```
//!
//! The document holds public keys and limits, and the cluster table where no control plane
//! tells of clusters. All are part of Envoy's config dump, so they deliberately never hold a secret: a cluster's
//! credential travels over SDS and never enters the VM, and KubeCube's shared
//! HS256 secret is named by the environment variable of Envoy that carries it. The
//! pass is in the dump as well, and of use to nobody who has to go through the
//! listener, which takes it from every client.
//!
//! Unknown fields are refused, so that a typo in a static file surfaces, and a
//! document of another [`VERSION`] is refused as a whole: the filter then keeps
//! the configuration that it has.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

mod access_line;
mod audit;
mod carried;
mod limits;
mod members;
mod revocations;

pub use access_line::{LINE_PROPERTY, LineField, LineForm};
pub use audit::{AUDIT_FILTER_STATE, AUDIT_PROPERTY, AuditNote};
pub use carried::{CARRIED_CHANGES_KEY, Carried, FRAME_HEAD, Frame};
pub use limits::{CallerLimits, FilterLimits};
pub use members::{
    DISCOVERY_PARTS, DiscoveryPart, MEMBERS_PARTS, MemberEntry, MembersPart, PartKind, TableId,
    upstream_of,
};
pub use revocations::{
    Epochs, EpochsDocument, Mark, NONE_GOOD, REVOCATION_HEAD, REVOCATION_PARTS, RevocationDocument,
    RevocationError, RevocationKind, RevocationPart, Sessions, SessionsDocument,
};

/// Longest document that a worker takes, in bytes. Its VM has 1 GiB for this, the
/// document before it and all lists.
pub const MAX_DOCUMENT_BYTES: usize = 32 << 20;

/// The version of the document that this build writes and reads.
pub const VERSION: u32 = 1;

/// The name of the filter, and its `root_id`. What it has to know comes by filters of
/// their own in the same VM, which are disabled: Envoy keeps the whole configuration of
/// each filter that a stream goes through until the stream ends. These are
/// [`DOCUMENT_FILTER_NAME`] and what [`Carried::filter_name`] names, or
/// [`RevocationKind::filter_name`] in a file.
pub const FILTER_NAME: &str = "cubegate";

/// The name of the filter that carries [`FilterConfig`], and its `root_id`.
pub const DOCUMENT_FILTER_NAME: &str = "cubegate-config";

/// The header that tells Envoy's route table which Envoy cluster a request goes to.
pub const CLUSTER_HEADER: &str = "x-cubegate-cluster";

/// The header that tells Envoy's route table which timeouts apply; see [`Class`].
pub const CLASS_HEADER: &str = "x-cubegate-class";

/// The header by which Envoy's route table knows that a request comes from the filter:
/// it holds [`FilterConfig::pass`]. Without it no route leads anywhere, so a request
/// that no filter has decided on reaches nobody.
pub const PASS_HEADER: &str = "x-cubegate-pass";

/// The header that tells Envoy in which protocols it may speak to an API server: the value is a
/// protocol's name in ALPN (RFC 7301). Without it both may say what they like best.
pub const ALPN_HEADER: &str = "x-cubegate-alpn";

/// [`ALPN_HEADER`] of an `Upgrade` request.
pub const ALPN_HTTP1: &str = "http/1.1";

/// The prefix of every header that passes between filter and route table. A
/// client's own ones are removed.
pub const INTERNAL_HEADER_PREFIX: &str = "x-cubegate-";

/// The header that keeps the path as the client asked it, without the query, for
/// the access log and for the shape of Envoy's own answers. The name is Envoy's.
pub const ORIGINAL_PATH_HEADER: &str = "x-envoy-original-path";

/// The header by which the filter asks the control plane for a token in the place
/// of a password, and what it says then ([`EXCHANGE_BASIC`]).
pub const EXCHANGE_HEADER: &str = "x-cubegate-exchange";

/// [`EXCHANGE_HEADER`] of a request that came with HTTP Basic (RFC 7617).
pub const EXCHANGE_BASIC: &str = "basic";

/// The header by which the console says for whose browser it asks: an address with a proof. The
/// filter leaves it with Envoy ([`AuditNote::reader`]) and takes it out of every request.
pub const READER_HEADER: &str = "cubegate-reader";

/// Whom the control plane is in its own questions through Envoy; nobody gives that user any right.
pub const CHECK_USER: &str = "cubegate:check";

/// The header of answers of an Envoy that has not heard of its control plane for too long: for
/// how many seconds. What was taken back meanwhile it does not know.
pub const STALE_HEADER: &str = "cubegate-stale";

/// Where the control plane gives tokens.
pub const TOKEN_PATH: &str = "/oauth/token";

/// What the filter answers by itself with 200, asking nobody: whoever gets another
/// answer there speaks with an Envoy without its filter.
pub const FILTER_LIVENESS_PATH: &str = "/livez/filter";

/// The root context of a plugin that nothing goes through and that has no configuration.
/// An Envoy that stands by has it, so that the module is compiled before there is anything
/// to serve.
pub const FILTER_WARM_ROOT: &str = "warm";

/// The Envoy cluster that stands for the control plane's HTTP API.
pub const CONTROL_PLANE_CLUSTER: &str = "control-plane";

/// How long a client may take nothing of what is on its way to it, unless it is said
/// otherwise, in seconds.
pub const SEND_TIMEOUT_SECONDS: u64 = 60;

/// How long the request line and the headers of a request may be together, unless it is
/// said otherwise, in KiB.
pub const MAX_REQUEST_HEAD_KIB: usize = 256;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// [`VERSION`].
    pub version: u32,
    /// What the filter sends in [`PASS_HEADER`]; sent by no one else. Empty where the
    /// route table asks for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// What tokens are checked against.
    pub tokens: TokenKeys,
    /// The clusters by the name that a path gives, where they stand in this document.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, ClusterEntry>,
    /// Whether the clusters come by [`MembersPart`]s and [`DiscoveryPart`]s. Nothing is let
    /// through then until all of these are there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clusters_apart: bool,
    /// The cluster that paths mean which name none, and the one that KubeSphere's
    /// `host` means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_cluster: Option<String>,
    /// The origins (RFC 6454) whose pages may call, for CORS.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cors_origins: BTreeSet<String>,
    /// Whether a request that is to be made for somebody else than its caller (`kubectl
    /// --as`) is refused, and not only where the cluster's rules do not allow it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_impersonation: bool,
    /// Whether paths that name no cluster are refused, and not the host cluster's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_host_paths: bool,
    /// Whether an [`AuditNote`] of each request is left with Envoy.
    #[serde(default, skip_serializing_if = "is_false")]
    pub audit: bool,
    /// How what Envoy's access line says is left there.
    #[serde(default, skip_serializing_if = "LineForm::is_nothing")]
    pub line: LineForm,
    /// Bounds on memory.
    #[serde(default)]
    pub limits: FilterLimits,
}

/// What tokens are checked against: keys of ours, or KubeCube's shared secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum TokenKeys {
    /// Our own Ed25519 tokens.
    Ed25519 {
        /// The `iss` that a token must carry.
        issuer: String,
        /// Public keys by `kid`, each 32 bytes in lower-case hex.
        keys: BTreeMap<String, String>,
    },
    /// Plain KubeCube HS256 tokens.
    Hs256 {
        /// The environment variable of the Envoy process that holds the secret.
        secret_env: String,
    },
}

/// One cluster as the filter sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterEntry {
    /// The Envoy cluster for ordinary requests.
    pub upstream: String,
    /// The Envoy cluster that speaks HTTP/1.1 only, for `Upgrade` requests, where Envoy is not to
    /// be told by [`ALPN_HEADER`] how to speak in the ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_upstream: Option<String>,
    /// `host[:port]` of the API server, sent as `Host`.
    pub authority: String,
    /// What the kubeconfig's server URL has behind the port, without a trailing
    /// slash; put before every upstream path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path_prefix: String,
    /// Whether KubeCube's form of path reaches every path of this server, as it does
    /// in KubeCube, and not only those that an API server has.
    #[serde(default, skip_serializing_if = "is_false")]
    pub any_path: bool,
    /// What the cluster's discovery says of its resources.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: Resources,
}

/// The resources of a cluster by their plural name; of equal names the first is meant.
pub type Resources = BTreeMap<String, Vec<ResourceEntry>>;

/// A resource of a cluster, as its discovery tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceEntry {
    /// `/api/v1` or `/apis/{group}/{version}`, the preferred version that has it.
    pub path: String,
    /// Its kind, `Deployment`.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// Which timeouts a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Bounded: ordinary calls and lists.
    Unary,
    /// Unbounded: watch, log, exec, attach, port-forward, proxy.
    Stream,
    /// As long as it takes, but not in silence: an export that a client reads as
    /// slowly as it likes.
    Export,
}

/// Why a document is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It is longer than a worker can take.
    #[error(
        "the filter configuration has {found} bytes and a worker takes {MAX_DOCUMENT_BYTES}; register fewer clusters here, or clusters with fewer resources"
    )]
    TooLarge {
        /// Its length.
        found: usize,
    },
    /// It is not the JSON that this build reads.
    #[error("the filter configuration cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another version.
    #[error(
        "the filter configuration has version {found}, this filter reads version {VERSION}; upgrade the older side"
    )]
    Version {
        /// The version found.
        found: u32,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Reads any of the documents that are JSON. The version is read first: a newer one may have any
/// shape.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConfigError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    FilterConfig::check_size(bytes.len())?;
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(ConfigError::Version { found: version });
    }
    Ok(serde_json::from_slice(bytes)?)
}

// === impl FilterConfig ===

impl FilterConfig {
    /// Reads a document.
    ///
    /// # Errors
    /// [`ConfigError`] when it is too large, no JSON, has unknown fields or another
    /// version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        read(bytes)
    }

    /// Whether a document of this many bytes is taken, to be asked before it is read.
    ///
    /// # Errors
    /// [`ConfigError::TooLarge`].
    pub fn check_size(found: usize) -> Result<(), ConfigError> {
        if found > MAX_DOCUMENT_BYTES {
            return Err(ConfigError::TooLarge { found });
        }
        Ok(())
    }

    /// Writes the document.
    ///
    /// # Errors
    /// Never in practice; the serializer's error is handed on.
    pub fn to_json(&self) -> Result<String, ConfigError> {
        Ok(serde_json::to_string(self)?)
    }
}

// === impl Class ===

impl Class {
    /// Returns the value of [`CLASS_HEADER`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::Stream => "stream",
            Self::Export => "export",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"{"version":1,"tokens":{"ed25519":{"issuer":"cubegate","keys":{}}}}"#;

    #[test]
    fn a_minimal_document_takes_the_default_limits() {
        let config = FilterConfig::from_json(MINIMAL.as_bytes()).unwrap();
        assert_eq!(config.limits, FilterLimits::default());
        assert!(config.clusters.is_empty());
        assert_eq!(
            FilterConfig::from_json(config.to_json().unwrap().as_bytes()).unwrap(),
            config
        );
    }

    #[test]
    fn a_typo_is_refused() {
        let typo = MINIMAL.replace("\"version\"", "\"limit\":{},\"version\"");
        assert!(matches!(
            FilterConfig::from_json(typo.as_bytes()),
            Err(ConfigError::Json(_))
        ));
    }

    #[test]
    fn a_document_that_a_worker_cannot_take_is_refused_unread() {
        let error = FilterConfig::from_json(&vec![b' '; MAX_DOCUMENT_BYTES + 1]).unwrap_err();
        assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
        FilterConfig::check_size(MAX_DOCUMENT_BYTES).unwrap();
    }

    #[test]
    fn another_version_is_refused_whatever_else_it_holds() {
        let newer = br#"{"version":2,"something":{"new":true}}"#;
        assert!(matches!(
            FilterConfig::from_json(newer),
            Err(ConfigError::Version { found: 2 })
        ));
    }
}
