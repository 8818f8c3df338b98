//! What a snapshot is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cubegate_domain::Cluster;
use cubegate_filter_config::{
    ClusterEntry, ConfigError, FilterConfig, Limits, Revoked, TokenKeys, VERSION,
};

use crate::{Snapshot, cluster, extension_config, listener, route, secret};

/// Everything that Envoys depend on.
#[derive(Debug, Clone)]
pub struct GatewayState {
    /// The registered clusters.
    pub clusters: Vec<Cluster>,
    /// What tokens are checked against.
    pub tokens: TokenKeys,
    /// Tokens that are refused although they have not expired.
    pub revoked: Revoked,
    /// Bounds on the filter's memory.
    pub limits: Limits,
    /// The filter's code.
    pub module: FilterModule,
    /// Where clients connect.
    pub listener: ListenerSettings,
    /// Where Envoys reach the control plane's HTTP API.
    pub control_plane: Endpoint,
}

/// The filter's code, as Envoy gets it.
#[derive(Clone)]
pub enum FilterModule {
    /// A path on Envoy's machine. It must never change its contents.
    File(String),
    /// The bytes themselves, for an Envoy on another machine.
    Inline(Arc<Vec<u8>>),
}

/// Where clients connect.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The address to bind.
    pub host: String,
    /// The port to bind.
    pub port: u16,
    /// What the listener proves itself with; `None` serves plain HTTP.
    pub certificate: Option<ServingCertificate>,
}

/// A certificate and its key. Its `Debug` form hides both.
#[derive(Clone)]
pub struct ServingCertificate {
    /// The chain in PEM.
    pub certificate_pem: String,
    /// The private key in PEM.
    pub key_pem: String,
}

/// A host and port to connect to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// A DNS name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

// === impl GatewayState ===

impl GatewayState {
    /// Makes the snapshot of this state. Equal states make equal snapshots.
    ///
    /// # Errors
    /// Never in practice: only when the filter's configuration cannot be written as JSON.
    pub fn snapshot(&self) -> Result<Snapshot, ConfigError> {
        let Self {
            clusters,
            tokens,
            revoked,
            limits,
            module,
            listener,
            control_plane,
        } = self;
        let mut snapshot = Snapshot::default();
        for cluster in clusters {
            secret::insert_cluster(&mut snapshot, cluster);
            cluster::insert_member(&mut snapshot, cluster);
        }
        cluster::insert_control_plane(&mut snapshot, control_plane);
        if let Some(certificate) = &listener.certificate {
            secret::insert_listener(&mut snapshot, certificate);
        }
        listener::insert(&mut snapshot, listener);
        route::insert(&mut snapshot);
        let document = filter_config(clusters, tokens, revoked, limits).to_json()?;
        extension_config::insert(&mut snapshot, module, tokens, document);
        Ok(snapshot)
    }
}

fn filter_config(
    clusters: &[Cluster],
    tokens: &TokenKeys,
    revoked: &Revoked,
    limits: &Limits,
) -> FilterConfig {
    let clusters: BTreeMap<String, ClusterEntry> = clusters
        .iter()
        .map(|cluster| {
            let entry = ClusterEntry {
                upstream: cluster::name(&cluster.name),
                upgrade_upstream: cluster::http1_name(&cluster.name),
                authority: cluster.server.authority(),
                path_prefix: cluster.server.path_prefix.clone(),
                resources: BTreeMap::new(),
            };
            (cluster.name.to_string(), entry)
        })
        .collect();
    FilterConfig {
        version: VERSION,
        tokens: tokens.clone(),
        clusters,
        host_cluster: None,
        revoked: revoked.clone(),
        cors_origins: BTreeSet::new(),
        limits: limits.clone(),
    }
}

// === impl FilterModule ===

impl std::fmt::Debug for FilterModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({path})"),
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
        }
    }
}

// === impl ServingCertificate ===

impl std::fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServingCertificate(..)")
    }
}
