//! CDS: an Envoy cluster for each member cluster. (That of the control plane stands in
//! the bootstrap, with the certificate that Envoy shows there.)
//!
//! HTTP/2 or HTTP/1.1 is negotiated by ALPN. Connections for `Upgrade` requests (exec, attach,
//! port-forward) offer HTTP/1.1 alone ([`crate::listener`]): an API server cannot upgrade a
//! stream of an HTTP/2 connection (no RFC 8441).

use std::collections::HashMap;
use std::net::IpAddr;

use cubegate_domain::{ClusterCredential, ClusterName, Scheme};
use cubegate_filter_config::{FILTER_NAME, upstream_of};
use envoy_types::pb::envoy::extensions::filters::http::credential_injector::v3::CredentialInjector;
use envoy_types::pb::envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpFilter, http_filter,
};
use envoy_types::pb::envoy::extensions::http::injected_credentials::generic::v3::Generic;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::{
    HttpProtocolOptions, http_protocol_options as protocol,
};
use sha2::{Digest as _, Sha256};

use crate::{Resource, ResourceType, Snapshot, proto, retry, secret, upstream_tls};

const PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Envoy counts a watch as a request in flight; its default of 1,024 would stop
/// a gateway that has a few hundred watching clients.
const MAX_IN_FLIGHT: u32 = 65_536;

/// Most requests to one member that wait for a connection, of all workers together: while it restarts its
/// watching clients come at once, and one that accepts connections and says nothing must not fill the
/// memory that all members share. What is beyond is refused with 503.
const MAX_WAITING: u32 = 8_192;

/// How long a connection without a request is kept, in seconds. An API server closes
/// its own after 90; it must never be the first one, or a request that is on its way
/// then is lost.
const UPSTREAM_IDLE: i64 = 60;

/// What an API server may send ahead on one stream and on one connection, in
/// bytes. With 64 KiB a list of 40 MB would wait for round trips. While other answers
/// on the client's connection are not taken, Envoy reads no stream of it, and then hands
/// all that has come of one to the filter at once: like a chunk over HTTP/1.1 it must
/// stay well under the client's buffer ([`proto::LISTENER_BUFFER_BYTES`]).
const STREAM_WINDOW: u32 = 512 << 10;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Returns the name under which both count (`docs/metrics.md`). The slash ends the cluster's
/// name, which may have dots.
fn stat_name(cluster: &ClusterName) -> String {
    format!("member/{cluster}/")
}

/// Returns the member cluster that a resource of ours belongs to, by the resource's name.
pub fn member_of(resource: &str) -> Option<&str> {
    let name = resource.strip_prefix("cluster/")?;
    Some(name.split_once('/').map_or(name, |(name, _)| name))
}

pub(crate) fn insert_member(snapshot: &mut Snapshot, cluster: &cubegate_domain::Cluster) {
    let name = upstream_of(cluster.name.as_str());
    let message = member(cluster, name.clone());
    snapshot.insert(ResourceType::Cluster, name, Resource::new(&message));
}

fn member(cluster: &cubegate_domain::Cluster, name: String) -> proto::Cluster {
    let tls = cluster.server.scheme == Scheme::Https;
    let protocol = if tls {
        protocol::UpstreamProtocolOptions::negotiated()
    } else {
        protocol::UpstreamProtocolOptions::from_http1()
    };
    let options = http_options(protocol, credential_filters(cluster));
    let mut message = base(name, &cluster.server.host, cluster.server.port, &options);
    message.alt_stat_name = stat_name(&cluster.name);
    if tls {
        message.metadata = Some(proofs(cluster));
        message.transport_socket = Some(upstream_tls::socket(upstream_tls::context(cluster)));
    }
    message
}

/// Returns a digest of what both sides of a connection prove themselves with, as metadata that
/// nobody reads: with another one it is another Envoy cluster. Envoy takes another secret for new
/// connections alone, and one that is in use all the time would never end, although its
/// certificate has: an API server refuses each request on it then. Those of a former Envoy cluster
/// end when what is under way on them has. (A token is no such thing: each request has its own.)
fn proofs(cluster: &cubegate_domain::Cluster) -> proto::Metadata {
    let mut digest = Sha256::new();
    digest.update(cluster.tls.ca_pem.as_deref().unwrap_or_default());
    digest.update([0]);
    if let ClusterCredential::ClientCertificate {
        certificate_pem,
        key_pem: _,
    } = &cluster.credential
    {
        digest.update(certificate_pem);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let (short, _) = digest.split_at(8);
    let value = proto::Value {
        kind: Some(proto::value::Kind::StringValue(hex::encode(short))),
    };
    let fields = HashMap::from([("proofs".to_owned(), value)]);
    proto::Metadata {
        filter_metadata: HashMap::from([(FILTER_NAME.to_owned(), proto::Struct { fields })]),
        ..Default::default()
    }
}

pub(crate) fn base(
    name: String,
    host: &str,
    port: u16,
    options: &HttpProtocolOptions,
) -> proto::Cluster {
    // All addresses of a name are one server: the next one is tried when one does not
    // answer, as kubectl does it. (`STRICT_DNS` takes each for a server of its own, and
    // sends every second request to the one that is not there.)
    let discovery = if host.parse::<IpAddr>().is_ok() {
        proto::cluster::DiscoveryType::Static
    } else {
        proto::cluster::DiscoveryType::LogicalDns
    };
    let endpoint = proto::LbEndpoint {
        host_identifier: Some(proto::lb_endpoint::HostIdentifier::Endpoint(
            proto::Endpoint {
                address: proto::address(host, port),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    proto::Cluster {
        name: name.clone(),
        connect_timeout: proto::seconds(5),
        per_connection_buffer_limit_bytes: proto::number(proto::CLUSTER_BUFFER_BYTES),
        cluster_discovery_type: Some(proto::cluster::ClusterDiscoveryType::Type(discovery as i32)),
        // Without a word it is IPv6 alone where a name has any.
        dns_lookup_family: proto::cluster::DnsLookupFamily::All as i32,
        load_assignment: Some(proto::ClusterLoadAssignment {
            cluster_name: name,
            endpoints: vec![proto::LocalityLbEndpoints {
                lb_endpoints: vec![endpoint],
                ..Default::default()
            }],
            ..Default::default()
        }),
        circuit_breakers: Some(proto::CircuitBreakers {
            thresholds: vec![proto::circuit_breakers::Thresholds {
                max_connections: proto::number(MAX_IN_FLIGHT),
                max_pending_requests: proto::number(MAX_WAITING),
                max_requests: proto::number(MAX_IN_FLIGHT),
                max_retries: proto::number(retry::MAX_RETRIES),
                ..Default::default()
            }],
            ..Default::default()
        }),
        upstream_connection_options: Some(proto::UpstreamConnectionOptions {
            tcp_keepalive: proto::keepalive(),
            ..Default::default()
        }),
        typed_extension_protocol_options: HashMap::from([(
            PROTOCOL_OPTIONS.to_owned(),
            proto::pack_any(options.clone()),
        )]),
        ..Default::default()
    }
}

/// A bearer token is put in by Envoy itself, from a secret that is in no
/// configuration dump.
fn credential_filters(cluster: &cubegate_domain::Cluster) -> Vec<HttpFilter> {
    if cluster.credential.bearer_token().is_none() {
        return Vec::new();
    }
    let generic = Generic {
        credential: Some(secret::reference(secret::token_name(&cluster.name))),
        header: "authorization".to_owned(),
        header_value_prefix: "Bearer ".to_owned(),
    };
    let injector = CredentialInjector {
        overwrite: true,
        allow_request_without_credential: false,
        credential: Some(proto::TypedExtensionConfig {
            name: "envoy.http.injected_credentials.generic".to_owned(),
            typed_config: Some(proto::pack_any(generic)),
        }),
    };
    let filter = |name: &str, config: proto::Any| HttpFilter {
        name: name.to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(config)),
        ..Default::default()
    };
    vec![
        filter(
            "envoy.filters.http.credential_injector",
            proto::pack_any(injector),
        ),
        filter(
            "envoy.filters.http.upstream_codec",
            proto::pack_any(UpstreamCodec {}),
        ),
    ]
}

pub(crate) fn http_options(
    protocol: protocol::UpstreamProtocolOptions,
    http_filters: Vec<HttpFilter>,
) -> HttpProtocolOptions {
    HttpProtocolOptions {
        common_http_protocol_options: Some(proto::HttpProtocolOptions {
            idle_timeout: proto::seconds(UPSTREAM_IDLE),
            ..Default::default()
        }),
        upstream_protocol_options: Some(protocol),
        http_filters,
        ..Default::default()
    }
}

/// The two ways in which we speak to an upstream.
trait Protocols {
    fn from_http1() -> Self;
    fn negotiated() -> Self;
}

impl Protocols for protocol::UpstreamProtocolOptions {
    fn from_http1() -> Self {
        Self::ExplicitHttpConfig(protocol::ExplicitHttpConfig {
            protocol_config: Some(
                protocol::explicit_http_config::ProtocolConfig::HttpProtocolOptions(
                    proto::Http1ProtocolOptions::default(),
                ),
            ),
        })
    }

    fn negotiated() -> Self {
        Self::AutoConfig(protocol::AutoHttpConfig {
            http_protocol_options: Some(proto::Http1ProtocolOptions::default()),
            http2_protocol_options: Some(proto::Http2ProtocolOptions {
                initial_stream_window_size: proto::number(STREAM_WINDOW),
                initial_connection_window_size: proto::number(CONNECTION_WINDOW),
                connection_keepalive: Some(proto::KeepaliveSettings {
                    interval: proto::seconds(30),
                    timeout: proto::seconds(10),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        })
    }
}
