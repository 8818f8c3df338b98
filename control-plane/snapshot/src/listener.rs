//! LDS: the one listener that clients connect to, and one that nobody can connect to, in which are
//! the plugins that bring the filter its documents.

use std::time::Duration;

use cubegate_filter_config::{
    ALPN_HEADER, Carried, DOCUMENT_FILTER_NAME, FILTER_NAME, INTERNAL_HEADER_PREFIX,
};
use envoy_types::pb::envoy::config::common::mutation_rules::v3 as mutation_rules;
use envoy_types::pb::envoy::config::listener::v3 as lds;
use envoy_types::pb::envoy::extensions::filters::common::set_filter_state::v3::{
    FilterStateValue, filter_state_value,
};
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::http::set_filter_state::v3::Config as SetFilterState;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3 as hcm;
use envoy_types::pb::envoy::extensions::http::early_header_mutation::header_mutation::v3 as early;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};
use hcm::http_connection_manager as manager;

use crate::extension_config;
use crate::{
    ListenerSettings, Resource, ResourceType, Snapshot, access_log, connection, local_reply, proto,
    route, secret, trace,
};

/// Linux' numbers for the socket option of RFC 5482 (`tcp(7)`).
const IPPROTO_TCP: i64 = 6;
const TCP_USER_TIMEOUT: i64 = 18;

/// The name of the listener that clients connect to.
const LISTENER: &str = "gateway";

/// The name of the listener that brings documents.
const DOCUMENTS: &str = "documents";

const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

pub(crate) fn insert(snapshot: &mut Snapshot, settings: &ListenerSettings) {
    let manager = proto::pack_any(connection_manager(settings));
    let chain = lds::FilterChain {
        filter_chain_match: connection::chain_match(&settings.proxy_protocol),
        filters: vec![lds::Filter {
            name: CONNECTION_MANAGER.to_owned(),
            config_type: Some(lds::filter::ConfigType::TypedConfig(manager)),
        }],
        transport_socket: settings.certificate.as_ref().map(|_| serving_tls()),
        transport_socket_connect_timeout: proto::seconds(connection::HANDSHAKE_TIMEOUT),
        ..Default::default()
    };
    let message = lds::Listener {
        name: LISTENER.to_owned(),
        address: proto::address(&settings.host, settings.port),
        per_connection_buffer_limit_bytes: proto::number(proto::LISTENER_BUFFER_BYTES),
        filter_chains: vec![chain],
        listener_filters: connection::listener_filters(&settings.proxy_protocol),
        listener_filters_timeout: proto::seconds(connection::HANDSHAKE_TIMEOUT),
        tcp_keepalive: proto::keepalive(),
        socket_options: vec![user_timeout(settings.times.send)],
        ..Default::default()
    };
    snapshot.insert(ResourceType::Listener, LISTENER, Resource::new(&message));
}

/// Cuts a connection whose client takes nothing of what is on its way to it. Accepted
/// sockets have the option from the one that listens. A window that opens by less than
/// what waits first in the queue counts for nothing there, so that this is the least
/// speed, too: half of the client's receive buffer in that time.
fn user_timeout(send: Duration) -> proto::SocketOption {
    proto::SocketOption {
        description: "TCP_USER_TIMEOUT, in milliseconds".to_owned(),
        level: IPPROTO_TCP,
        name: TCP_USER_TIMEOUT,
        state: proto::socket_option::SocketState::StatePrebind as i32,
        value: Some(proto::socket_option::Value::IntValue(
            i64::try_from(send.as_millis()).unwrap_or(i64::MAX),
        )),
        ..Default::default()
    }
}

fn serving_tls() -> proto::TransportSocket {
    let context = tls::DownstreamTlsContext {
        common_tls_context: Some(tls::CommonTlsContext {
            tls_params: Some(tls::TlsParameters {
                tls_minimum_protocol_version: tls::tls_parameters::TlsProtocol::TlSv12 as i32,
                ..Default::default()
            }),
            alpn_protocols: vec!["h2".to_owned(), "http/1.1".to_owned()],
            tls_certificate_sds_secret_configs: vec![secret::reference(
                secret::LISTENER_CERTIFICATE.to_owned(),
            )],
            ..Default::default()
        }),
        ..Default::default()
    };
    proto::TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(proto::transport_socket::ConfigType::TypedConfig(
            proto::pack_any(context),
        )),
    }
}

fn connection_manager(settings: &ListenerSettings) -> hcm::HttpConnectionManager {
    hcm::HttpConnectionManager {
        stat_prefix: LISTENER.to_owned(),
        route_specifier: Some(manager::RouteSpecifier::Rds(hcm::Rds {
            config_source: proto::ads(),
            route_config_name: route::ROUTES.to_owned(),
        })),
        http_filters: vec![wasm(FILTER_NAME), protocols(), router()],
        access_log: access_log::all(settings),
        early_header_mutation_extensions: vec![remove_identity_headers()],
        upgrade_configs: ["websocket", "SPDY/3.1"]
            .map(|upgrade| manager::UpgradeConfig {
                upgrade_type: upgrade.to_owned(),
                ..Default::default()
            })
            .to_vec(),
        common_http_protocol_options: Some(connection::http_options(&settings.times)),
        http1_safe_max_connection_duration: true,
        http_protocol_options: Some(proto::Http1ProtocolOptions {
            // What nginx speaks to what is behind it, unless it is told otherwise.
            accept_http_10: true,
            // Such a request may name no host; none of our routes asks for one.
            default_host_for_http_10: LISTENER.to_owned(),
            ..Default::default()
        }),
        max_request_headers_kb: proto::number(connection::MAX_HEAD_KIB),
        http2_protocol_options: Some(proto::Http2ProtocolOptions {
            max_concurrent_streams: proto::number(256),
            // A chunk of a list that is held must fit the buffer of its stream, and that is
            // as large as this window. All streams of a connection together send no more.
            initial_stream_window_size: proto::number(proto::LISTENER_BUFFER_BYTES),
            initial_connection_window_size: proto::number(proto::LISTENER_BUFFER_BYTES),
            // A path may be most of the head. One that is longer than this ends the connection;
            // Envoy takes no larger number.
            max_header_field_size_kb: proto::number(256),
            ..Default::default()
        }),
        // A slow head or body is cut; answers have the routes' times.
        request_headers_timeout: proto::seconds(10),
        request_timeout: proto::duration(settings.times.request),
        stream_idle_timeout: proto::duration(settings.times.idle),
        // Of an answer that has come to its end; a page is at its end when it begins.
        stream_flush_timeout: proto::duration(settings.times.send),
        use_remote_address: proto::yes(),
        xff_num_trusted_hops: settings.trusted_hops,
        // Nobody's address makes a request trusted: a trusted client chooses the
        // request's id and Envoy's own headers. An empty list would not do, Envoy
        // takes private and loopback addresses then; nobody has this one.
        internal_address_config: Some(manager::InternalAddressConfig {
            cidr_ranges: vec![proto::CidrRange {
                address_prefix: "255.255.255.255".to_owned(),
                prefix_len: proto::number(32),
            }],
            ..Default::default()
        }),
        // The filter refuses every path that can be read in two ways, and says
        // so in the shape of the path's API. Envoy would repair it, or refuse it
        // without a word.
        normalize_path: proto::no(),
        merge_slashes: false,
        path_with_escaped_slashes_action: manager::PathWithEscapedSlashesAction::KeepUnchanged
            as i32,
        server_header_transformation: manager::ServerHeaderTransformation::AppendIfAbsent as i32,
        local_reply_config: Some(local_reply::config()),
        tracing: settings.traces.as_ref().map(trace::tracing),
        always_set_request_id_in_response: true,
        ..Default::default()
    }
}

/// Puts in the listener of the documents. It binds no port. Envoy configures its filters in
/// every worker all the same, and no request goes by them.
pub(crate) fn insert_documents(snapshot: &mut Snapshot) {
    let carriers = Carried::all().map(Carried::filter_name);
    let filters = carriers
        .chain([DOCUMENT_FILTER_NAME.to_owned()])
        .map(|name| hcm::HttpFilter {
            disabled: true,
            ..wasm(&name)
        })
        .chain([router()]);
    let manager = hcm::HttpConnectionManager {
        stat_prefix: DOCUMENTS.to_owned(),
        route_specifier: Some(manager::RouteSpecifier::RouteConfig(
            proto::RouteConfiguration::default(),
        )),
        http_filters: filters.collect(),
        ..Default::default()
    };
    let chain = lds::FilterChain {
        filters: vec![lds::Filter {
            name: CONNECTION_MANAGER.to_owned(),
            config_type: Some(lds::filter::ConfigType::TypedConfig(proto::pack_any(
                manager,
            ))),
        }],
        ..Default::default()
    };
    let message = lds::Listener {
        name: DOCUMENTS.to_owned(),
        address: proto::address("127.0.0.1", 0),
        bind_to_port: proto::no(),
        filter_chains: vec![chain],
        ..Default::default()
    };
    snapshot.insert(ResourceType::Listener, DOCUMENTS, Resource::new(&message));
}

/// Our filters come over ECDS. There is no default configuration: until they are there,
/// nothing passes.
fn wasm(name: &str) -> hcm::HttpFilter {
    hcm::HttpFilter {
        name: name.to_owned(),
        config_type: Some(hcm::http_filter::ConfigType::ConfigDiscovery(
            proto::ExtensionConfigSource {
                config_source: proto::ads(),
                type_urls: vec![extension_config::TYPE_URL.to_owned()],
                ..Default::default()
            },
        )),
        ..Default::default()
    }
}

/// Has a connection to an API server offer the protocol that the filter says, in the place of all
/// that Envoy likes. Such connections have a pool of their own in the same Envoy cluster.
fn protocols() -> hcm::HttpFilter {
    let value = proto::SubstitutionFormatString {
        format: Some(proto::substitution_format_string::Format::TextFormatSource(
            proto::DataSource {
                specifier: Some(proto::data_source::Specifier::InlineString(format!(
                    "%REQ({ALPN_HEADER})%"
                ))),
                ..Default::default()
            },
        )),
        omit_empty_values: true,
        ..Default::default()
    };
    let config = SetFilterState {
        on_request_headers: vec![FilterStateValue {
            key: Some(filter_state_value::Key::ObjectKey(
                "envoy.network.application_protocols".to_owned(),
            )),
            value: Some(filter_state_value::Value::FormatString(value)),
            shared_with_upstream: filter_state_value::SharedWithUpstream::Once as i32,
            // Of nearly all requests.
            skip_if_empty: true,
            ..Default::default()
        }],
        ..Default::default()
    };
    hcm::HttpFilter {
        name: "envoy.filters.http.set_filter_state".to_owned(),
        config_type: Some(hcm::http_filter::ConfigType::TypedConfig(proto::pack_any(
            config,
        ))),
        ..Default::default()
    }
}

fn router() -> hcm::HttpFilter {
    hcm::HttpFilter {
        name: "envoy.filters.http.router".to_owned(),
        config_type: Some(hcm::http_filter::ConfigType::TypedConfig(proto::pack_any(
            Router::default(),
        ))),
        ..Default::default()
    }
}

/// A client's own are no use to it: the filter removes these headers, too. `Impersonate-*`
/// stays, for the filter has to see whom a request is for; what it has not decided on
/// leads nowhere ([`route`]), and of these headers none but its own go upstream.
fn remove_identity_headers() -> proto::TypedExtensionConfig {
    let mutations = ["x-remote-", INTERNAL_HEADER_PREFIX]
        .map(|prefix| mutation_rules::HeaderMutation {
            action: Some(mutation_rules::header_mutation::Action::RemoveOnMatch(
                mutation_rules::header_mutation::RemoveOnMatch {
                    key_matcher: Some(StringMatcher {
                        match_pattern: Some(string_matcher::MatchPattern::Prefix(
                            prefix.to_owned(),
                        )),
                        ..Default::default()
                    }),
                },
            )),
        })
        .to_vec();
    proto::TypedExtensionConfig {
        name: "envoy.http.early_header_mutation.header_mutation".to_owned(),
        typed_config: Some(proto::pack_any(early::HeaderMutation { mutations })),
    }
}
