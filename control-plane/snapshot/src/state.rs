//! What a snapshot is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_filter_config::{
    ConfigError, FilterConfig, FilterLimits, Resources, SEND_TIMEOUT_SECONDS, TokenKeys, VERSION,
};

use crate::made::Made;
use crate::{AddressRange, Snapshot, access_log, listener, route, secret, trace};

/// Everything that Envoys depend on.
#[derive(Debug, Clone)]
pub struct GatewayState {
    /// The registered clusters.
    pub clusters: Vec<Arc<Cluster>>,
    /// Which of them paths mean that name none.
    pub host_cluster: Option<String>,
    /// What is known of their resources, by the cluster's name.
    pub resources: BTreeMap<String, Arc<Resources>>,
    /// The clusters from which the control plane gets no answer. Envoys look for themselves.
    pub unreachable: BTreeSet<String>,
    /// The CA bundle (PEM) that proves API servers which bring none of their own. While
    /// there is none, nobody is let through to these: nothing would prove them.
    pub system_ca: Option<Arc<str>>,
    /// What tokens are checked against.
    pub tokens: TokenKeys,
    /// The origins whose pages may call.
    pub cors_origins: BTreeSet<String>,
    /// Whether requests for somebody else than their caller are refused.
    pub no_impersonation: bool,
    /// Whether paths that name no cluster are refused.
    pub no_host_paths: bool,
    /// Bounds on the filter's memory.
    pub limits: FilterLimits,
    /// By what the routes know the filter's requests.
    pub passes: RoutePasses,
    /// The filter's code.
    pub module: FilterModule,
    /// Where clients connect.
    pub listener: ListenerSettings,
}

/// By what the routes know the filter's requests; see [`PASS_HEADER`]. Each is of
/// hexadecimal digits.
///
/// [`PASS_HEADER`]: cubegate_filter_config::PASS_HEADER
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutePasses {
    /// What the filter sends.
    pub current: String,
    /// What the routes take; the filter's is among them.
    pub accepted: Vec<String>,
}

/// The filter's code, as Envoy gets it.
#[derive(Clone, PartialEq, Eq)]
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
    /// How long what may take.
    pub times: ConnectionTimes,
    /// How many proxies before us are to be believed in `X-Forwarded-For`: the client
    /// is who the first of them names. 0 is nobody: the client is who connects.
    pub trusted_hops: u32,
    /// From where load balancers connect, who say with the PROXY protocol for whom;
    /// nobody else may connect then. None: the client is who connects.
    pub proxy_protocol: Vec<AddressRange>,
    /// A line a request.
    pub access_log: AccessLog,
    /// Traces, if there are to be any.
    pub traces: Option<TraceSettings>,
}

/// How long what may take on a client's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTimes {
    /// A connection without a request, and a bounded request on which nothing moves.
    pub idle: Duration,
    /// A request from its first byte to its last, if nothing of the answer comes before.
    pub request: Duration,
    /// A connection or stream whose client takes nothing of what is on its way to it.
    pub send: Duration,
    /// A connection; it ends when what is under way then has ended.
    pub lifetime: Duration,
}

/// Where traces go: a collector that takes OTLP over gRPC.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS, with a certificate that the system's CAs prove.
    pub tls: bool,
    /// How many of a hundred requests are traced, of those whose clients trace nothing.
    pub percent: f64,
}

/// The line that Envoy writes for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// Where it goes.
    pub target: AccessLogTarget,
    /// How it looks.
    pub format: AccessLogFormat,
}

/// How Envoy writes a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// For people, with what the filter knows as `name=value` at its end.
    Text,
    /// A JSON object.
    Json,
}

/// Where Envoy writes a line for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogTarget {
    /// To its standard output, which whoever has started it keeps.
    Stdout,
    /// Into a file on its machine, which it opens anew when it is told to.
    File(String),
}

/// A certificate and its key. Its `Debug` form hides both.
#[derive(Clone, PartialEq, Eq)]
pub struct ServingCertificate {
    /// The chain in PEM.
    pub certificate_pem: String,
    /// The private key in PEM.
    pub key_pem: String,
}

// === impl GatewayState ===

impl GatewayState {
    /// Makes the snapshot of this state, without what is refused
    /// ([`Snapshot::insert_revocations`]). Equal states make equal snapshots. `made` is what was
    /// made before, of any state; it makes no difference but for the time that it takes.
    ///
    /// # Errors
    /// Never in practice: only when what the filter is told cannot be written as JSON.
    pub fn snapshot(&self, made: &mut Made) -> Result<Snapshot, ConfigError> {
        let Self {
            clusters,
            host_cluster: _,
            resources,
            unreachable,
            system_ca,
            tokens,
            cors_origins: _,
            no_impersonation: _,
            no_host_paths: _,
            limits: _,
            passes,
            module,
            listener,
        } = self;
        let mut snapshot = Snapshot::default();
        if let Some(bundle) = system_ca
            && (clusters.iter().any(|cluster| cluster.needs_system_ca())
                || listener.traces.as_ref().is_some_and(|traces| traces.tls))
        {
            secret::insert_system_ca(&mut snapshot, bundle);
        }
        let provable = |cluster: &&Arc<Cluster>| !cluster.needs_system_ca() || system_ca.is_some();
        made.insert_members(&mut snapshot, clusters.iter().filter(provable));
        if let Some(certificate) = &listener.certificate {
            secret::insert_listener(&mut snapshot, certificate);
        }
        if let Some(traces) = &listener.traces {
            trace::insert(&mut snapshot, traces);
        }
        listener::insert(&mut snapshot, listener);
        listener::insert_documents(&mut snapshot);
        route::insert(&mut snapshot, passes);
        let document = self.filter_config().to_json()?;
        made.insert_filter(&mut snapshot, module, tokens, document);
        made.insert_parts(&mut snapshot, clusters, resources, unreachable)?;
        Ok(snapshot)
    }

    fn filter_config(&self) -> FilterConfig {
        FilterConfig {
            version: VERSION,
            pass: self.passes.current.clone(),
            tokens: self.tokens.clone(),
            // A name that the table does not have would be of no use to anybody.
            host_cluster: self.host_cluster.clone().filter(|host| {
                self.clusters
                    .iter()
                    .any(|known| known.name.as_str() == host)
            }),
            clusters: BTreeMap::new(),
            clusters_apart: true,
            cors_origins: self.cors_origins.clone(),
            no_impersonation: self.no_impersonation,
            no_host_paths: self.no_host_paths,
            audit: true,
            line: access_log::line_form(&self.listener),
            limits: self.limits.clone(),
        }
    }
}

// === impl ConnectionTimes ===

impl Default for ConnectionTimes {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(5),
            request: Duration::from_mins(5),
            send: Duration::from_secs(SEND_TIMEOUT_SECONDS),
            lifetime: Duration::from_hours(1),
        }
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
