//! What one client's connection may take: time, silence, and whose word counts for
//! where it comes from.
//!
//! Nothing here cuts a watch or an exec short that is at work: the time of a
//! connection ends between requests, and the time of a request with its answer.

use envoy_types::pb::envoy::config::listener::v3 as lds;
use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;

use crate::proto;
use crate::{AddressRange, ConnectionTimes};

/// How long a TLS handshake, or the line of a load balancer before it, may take, in
/// seconds.
pub(crate) const HANDSHAKE_TIMEOUT: i64 = 10;

/// How long the head of a request may be until Envoy ends the stream, in KiB. Far more than
/// the filter lets through, so that most of what is too long is told so in words, over
/// HTTP/2, too. It must fit into the VM's 1 MiB of headers twice: the filter
/// hands it back with the path that was asked.
pub(crate) const MAX_HEAD_KIB: u32 = 480;

/// How many headers a request may have. Somebody may act as a member of many groups
/// (`Impersonate-Group`), and the VM takes 1,024.
const MAX_HEADERS: u32 = 256;

/// Spreads the ends of connections that began at the same time, in percent.
const LIFETIME_JITTER: f64 = 20.0;

/// The options of HTTP connections that are not of one version.
pub(crate) fn http_options(times: &ConnectionTimes) -> proto::HttpProtocolOptions {
    proto::HttpProtocolOptions {
        idle_timeout: proto::duration(times.idle),
        // Then it is drained: what is under way is finished, however long it takes.
        max_connection_duration: proto::duration(times.lifetime),
        max_connection_duration_jitter: Some(proto::Percent {
            value: LIFETIME_JITTER,
        }),
        max_headers_count: proto::number(MAX_HEADERS),
        // The filter refuses them in words.
        headers_with_underscores_action:
            proto::http_protocol_options::HeadersWithUnderscoresAction::Allow as i32,
        ..Default::default()
    }
}

/// Reads the line of a load balancer (PROXY protocol), where one is to be.
pub(crate) fn listener_filters(load_balancers: &[AddressRange]) -> Vec<lds::ListenerFilter> {
    if load_balancers.is_empty() {
        return Vec::new();
    }
    vec![lds::ListenerFilter {
        name: "envoy.filters.listener.proxy_protocol".to_owned(),
        config_type: Some(lds::listener_filter::ConfigType::TypedConfig(
            proto::pack_any(ProxyProtocol::default()),
        )),
        ..Default::default()
    }]
}

/// Only these may say for whom they speak: a connection from elsewhere finds no chain
/// and is closed.
pub(crate) fn chain_match(load_balancers: &[AddressRange]) -> Option<lds::FilterChainMatch> {
    if load_balancers.is_empty() {
        return None;
    }
    let range = |range: &AddressRange| proto::CidrRange {
        address_prefix: range.address().to_string(),
        prefix_len: proto::number(u32::from(range.prefix_bits())),
    };
    Some(lds::FilterChainMatch {
        direct_source_prefix_ranges: load_balancers.iter().map(range).collect(),
        ..Default::default()
    })
}
