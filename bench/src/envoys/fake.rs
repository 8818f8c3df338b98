//! One Envoy, as the control plane sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_filter_config::{
    Carried, DOCUMENT_FILTER_NAME, FILTER_NAME, RevocationKind, RevocationPart,
};
use cubegate_snapshot::ResourceType;
use cubegate_tests::tls::Identity;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::{Node, transport_socket};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    UpstreamTlsContext, common_tls_context,
};
use envoy_types::pb::envoy::service::discovery::v3 as proto;
use prost::Message as _;
use proto::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// The name in the control plane's certificate.
const CONTROL_PLANE: &str = "cubegate-xds";

/// The route table of the listener.
const ROUTES: &str = "gateway";

/// A response may have the filter's module in it.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// How long it takes to connect where all do.
const CONNECT: Duration = Duration::from_secs(30);

/// Requests that wait for the connection.
const QUEUE: usize = 64;

/// A connected one. It ends with the value.
pub(super) struct Fake {
    has: watch::Receiver<Has>,
    received: Arc<AtomicU64>,
    task: JoinHandle<Result<()>>,
}

/// What it has.
#[derive(Debug, Clone, Default)]
struct Has {
    clusters: BTreeSet<String>,
    /// Secrets that clusters have named and that have not come.
    awaited: BTreeSet<String>,
    filters: BTreeSet<String>,
    listeners: usize,
    routes: usize,
    /// The versions of what is refused of users and keys, by the filters that bring it.
    epochs: BTreeMap<String, String>,
}

/// The two halves of its stream.
struct Stream {
    node: String,
    requests: mpsc::Sender<proto::DeltaDiscoveryRequest>,
    responses: Streaming<proto::DeltaDiscoveryResponse>,
    has: watch::Sender<Has>,
    received: Arc<AtomicU64>,
}

// === impl Fake ===

impl Fake {
    /// Connects, and asks for everything that Envoy asks for.
    pub(super) async fn connect(
        address: &str,
        ca: &[u8],
        identity: &Identity,
        node: &str,
    ) -> Result<Self> {
        let Identity { certificate, key } = identity;
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(ca))
            .identity(tonic::transport::Identity::from_pem(certificate, key))
            .domain_name(CONTROL_PLANE);
        let endpoint = Endpoint::from_shared(format!("https://{address}"))?
            .tls_config(tls)?
            .connect_timeout(CONNECT);
        let channel = endpoint.connect().await?;
        let mut service = AggregatedDiscoveryServiceClient::new(channel)
            .max_decoding_message_size(MAX_RESPONSE_BYTES);
        let (requests, sent) = mpsc::channel(QUEUE);
        let filters = Carried::all().map(Carried::filter_name);
        let own = [FILTER_NAME, DOCUMENT_FILTER_NAME].map(str::to_owned);
        for (kind, names) in [
            (ResourceType::Cluster, Vec::new()),
            (ResourceType::Listener, Vec::new()),
            (ResourceType::ExtensionConfig, filters.chain(own).collect()),
            (ResourceType::RouteConfiguration, vec![ROUTES.to_owned()]),
        ] {
            requests.send(subscribe(node, kind, names)).await?;
        }
        let responses = service
            .delta_aggregated_resources(ReceiverStream::new(sent))
            .await?
            .into_inner();
        let received = Arc::new(AtomicU64::new(0));
        let (has, follow) = watch::channel(Has::default());
        let stream = Stream {
            node: node.to_owned(),
            requests,
            responses,
            has,
            received: Arc::clone(&received),
        };
        Ok(Self {
            has: follow,
            received,
            task: tokio::spawn(stream.run()),
        })
    }

    /// Waits until it has so many clusters and all that belongs to them, and says how many bytes
    /// it was sent.
    pub(super) async fn until_current(&self, clusters: usize) -> Result<u64> {
        let filters = Carried::all().count() + 2;
        let is_current = |has: &Has| {
            has.clusters.len() == clusters
                && has.awaited.is_empty()
                && has.filters.len() == filters
                && has.listeners == 2
                && has.routes == 1
        };
        let mut has = self.has.clone();
        has.wait_for(is_current)
            .await
            .context("its stream has ended")?;
        Ok(self.received.load(Ordering::Relaxed))
    }

    /// The versions of what is refused of users and keys, by the filters that bring it.
    pub(super) fn epochs(&self) -> BTreeMap<String, String> {
        self.has.borrow().epochs.clone()
    }

    /// Waits until one of them is another.
    pub(super) async fn until_other_epochs(&self, before: BTreeMap<String, String>) -> Result<()> {
        let mut has = self.has.clone();
        let changed = has.wait_for(|has| has.epochs != before).await;
        changed.map(drop).context("its stream has ended")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Stream ===

impl Stream {
    /// Takes everything that comes, and says so.
    async fn run(mut self) -> Result<()> {
        while let Some(response) = self.responses.message().await? {
            let bytes = u64::try_from(response.encoded_len())?;
            self.received.fetch_add(bytes, Ordering::Relaxed);
            let kind = ResourceType::from_type_url(&response.type_url).context("no such type")?;
            let ack = proto::DeltaDiscoveryRequest {
                type_url: response.type_url.clone(),
                response_nonce: response.nonce.clone(),
                ..Default::default()
            };
            self.requests.send(ack).await?;
            let mut secrets = BTreeSet::new();
            if kind == ResourceType::Cluster {
                for resource in &response.resources {
                    secrets.append(&mut secrets_of(resource)?);
                }
            }
            self.has
                .send_modify(|has| has.take(kind, &response, &secrets));
            if !secrets.is_empty() {
                let names = secrets.into_iter().collect();
                let request = subscribe(&self.node, ResourceType::Secret, names);
                self.requests.send(request).await?;
            }
        }
        Ok(())
    }
}

// === impl Has ===

impl Has {
    fn take(
        &mut self,
        kind: ResourceType,
        response: &proto::DeltaDiscoveryResponse,
        secrets: &BTreeSet<String>,
    ) {
        self.awaited.extend(secrets.iter().cloned());
        for resource in &response.resources {
            let name = resource.name.clone();
            match kind {
                ResourceType::Secret => drop(self.awaited.remove(&name)),
                ResourceType::Cluster => drop(self.clusters.insert(name)),
                ResourceType::Listener => self.listeners += 1,
                ResourceType::RouteConfiguration => self.routes += 1,
                ResourceType::ExtensionConfig => {
                    let part = RevocationPart::of_filter(&name);
                    if part.is_some_and(|part| part.kind() == RevocationKind::Epochs) {
                        let version = resource.version.clone();
                        self.epochs.insert(name.clone(), version);
                    }
                    self.filters.insert(name);
                }
            }
        }
        for name in &response.removed_resources {
            self.clusters.remove(name);
        }
    }
}

fn subscribe(node: &str, kind: ResourceType, names: Vec<String>) -> proto::DeltaDiscoveryRequest {
    proto::DeltaDiscoveryRequest {
        node: Some(Node {
            id: node.to_owned(),
            ..Default::default()
        }),
        type_url: kind.type_url().to_owned(),
        resource_names_subscribe: names,
        ..Default::default()
    }
}

/// The secrets that a cluster names.
fn secrets_of(resource: &proto::Resource) -> Result<BTreeSet<String>> {
    let any = resource.resource.as_ref().context("an empty resource")?;
    let cluster = Cluster::decode(any.value.as_slice())?;
    let socket = cluster
        .transport_socket
        .and_then(|socket| socket.config_type);
    let Some(transport_socket::ConfigType::TypedConfig(socket)) = socket else {
        return Ok(BTreeSet::new());
    };
    let context = UpstreamTlsContext::decode(socket.value.as_slice())?;
    let context = context.common_tls_context.unwrap_or_default();
    let certificates = context.tls_certificate_sds_secret_configs.into_iter();
    let mut names: BTreeSet<String> = certificates.map(|config| config.name).collect();
    use common_tls_context::ValidationContextType as Validation;
    match context.validation_context_type {
        Some(Validation::ValidationContextSdsSecretConfig(config)) => {
            names.insert(config.name);
        }
        Some(Validation::CombinedValidationContext(combined)) => {
            let config = combined.validation_context_sds_secret_config;
            names.extend(config.map(|config| config.name));
        }
        _ => {}
    }
    Ok(names)
}
