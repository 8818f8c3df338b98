//! Envoy's messages under one short name, and the few shapes that recur.

pub(crate) use envoy_types::pb::envoy::config::accesslog::v3::*;
pub(crate) use envoy_types::pb::envoy::config::cluster::v3::{
    CircuitBreakers, Cluster, UpstreamConnectionOptions, circuit_breakers, cluster,
};
pub(crate) use envoy_types::pb::envoy::config::core::v3::*;
pub(crate) use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint,
};
pub(crate) use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, RouteConfiguration, header_matcher,
};
pub(crate) use envoy_types::pb::envoy::r#type::v3::Percent;
pub(crate) use envoy_types::pb::google::protobuf::{
    Any, BoolValue, Duration, Struct, UInt32Value, UInt64Value, Value, value,
};
pub(crate) use envoy_types::util::pack_any;

/// How much Envoy buffers for a client before it pushes back, in bytes: of a connection,
/// and over HTTP/2 of a stream, whose buffer is as large as its window.
pub(crate) const LISTENER_BUFFER_BYTES: u32 = 1 << 20;

/// The same for a connection to a server. Over HTTP/1.1 Envoy may hand the filter
/// this much and a little more as one chunk, and a chunk that is held must stay
/// well under the listener's limit, or Envoy gives the answer up.
pub(crate) const CLUSTER_BUFFER_BYTES: u32 = 256 << 10;

pub(crate) fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

pub(crate) fn duration(duration: std::time::Duration) -> Option<Duration> {
    Some(Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    })
}

pub(crate) fn number(value: u32) -> Option<UInt32Value> {
    Some(UInt32Value { value })
}

pub(crate) fn yes() -> Option<BoolValue> {
    Some(BoolValue { value: true })
}

pub(crate) fn no() -> Option<BoolValue> {
    Some(BoolValue { value: false })
}

/// Returns the one source of everything: the stream that this came from. It must stay
/// byte-identical for ever: a changed source makes Envoy wait for a secret that
/// it will not be sent again (envoyproxy/envoy#47309).
pub(crate) fn ads() -> Option<ConfigSource> {
    Some(ConfigSource {
        resource_api_version: ApiVersion::V3 as i32,
        config_source_specifier: Some(config_source::ConfigSourceSpecifier::Ads(
            AggregatedConfigSource {},
        )),
        ..ConfigSource::default()
    })
}

pub(crate) fn address(host: &str, port: u16) -> Option<Address> {
    Some(Address {
        address: Some(address::Address::SocketAddress(SocketAddress {
            address: host.to_owned(),
            port_specifier: Some(socket_address::PortSpecifier::PortValue(u32::from(port))),
            ..SocketAddress::default()
        })),
    })
}

pub(crate) fn inline_string(text: impl Into<String>) -> Option<DataSource> {
    Some(DataSource {
        specifier: Some(data_source::Specifier::InlineString(text.into())),
        ..DataSource::default()
    })
}

/// Finds a peer that went away without a word, behind a watch that is silent for
/// a long time.
pub(crate) fn keepalive() -> Option<TcpKeepalive> {
    Some(TcpKeepalive {
        keepalive_probes: number(3),
        keepalive_time: number(60),
        keepalive_interval: number(15),
    })
}
