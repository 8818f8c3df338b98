//! What Envoy traces of requests, and where it sends that: a collector of OpenTelemetry.
//!
//! The context of a trace is W3C's: `traceparent` of a client is gone on with, and handed to
//! the cluster or the control plane. No tag holds a query: access keys may stand in it.

use envoy_types::pb::envoy::config::trace::v3::{OpenTelemetryConfig, tracing as provider};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::Tracing;
use envoy_types::pb::envoy::extensions::tracers::opentelemetry::samplers::v3::{ParentBasedSamplerConfig, TraceIdRatioBasedSamplerConfig};
use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, fractional_percent};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options as protocol;
use envoy_types::pb::envoy::r#type::tracing::v3::{CustomTag, custom_tag};
use cubegate_filter_config::LineField;

use crate::{
    Resource, ResourceType, Snapshot, TraceSettings, access_log, cluster, proto, upstream_tls,
};

/// The Envoy cluster of the collector.
const COLLECTOR: &str = "otlp";

/// The service that the spans are of.
const SERVICE: &str = "cubegate-envoy";

/// Without the query, and cut as in the access line.
const PATH: &str = "%PATH(NQ:ORIG_OR_PATH):256%";

pub(crate) fn insert(snapshot: &mut Snapshot, settings: &TraceSettings) {
    let TraceSettings {
        host,
        port,
        tls,
        percent: _,
    } = settings;
    let http2 =
        protocol::UpstreamProtocolOptions::ExplicitHttpConfig(protocol::ExplicitHttpConfig {
            protocol_config: Some(
                protocol::explicit_http_config::ProtocolConfig::Http2ProtocolOptions(
                    proto::Http2ProtocolOptions::default(),
                ),
            ),
        });
    let options = cluster::http_options(http2, Vec::new());
    let mut message = cluster::base(COLLECTOR.to_owned(), host, *port, &options);
    message.transport_socket = tls.then(|| upstream_tls::socket(upstream_tls::collector(host)));
    snapshot.insert(ResourceType::Cluster, COLLECTOR, Resource::new(&message));
}

pub(crate) fn tracing(settings: &TraceSettings) -> Tracing {
    let cluster = proto::grpc_service::EnvoyGrpc {
        cluster_name: COLLECTOR.to_owned(),
        ..Default::default()
    };
    let collector = OpenTelemetryConfig {
        grpc_service: Some(proto::GrpcService {
            target_specifier: Some(proto::grpc_service::TargetSpecifier::EnvoyGrpc(cluster)),
            timeout: proto::seconds(5),
            ..Default::default()
        }),
        service_name: SERVICE.to_owned(),
        sampler: Some(extension(
            "envoy.tracers.opentelemetry.samplers.parent_based",
            proto::pack_any(sampler(settings.percent)),
        )),
        ..Default::default()
    };
    let all = || Some(proto::Percent { value: 100.0 });
    Tracing {
        // It is the tracer's to say; of what this leaves out it would hear nothing.
        client_sampling: all(),
        random_sampling: all(),
        overall_sampling: all(),
        // The URL that Envoy would write holds the query.
        max_path_tag_length: proto::number(0),
        custom_tags: tags(),
        provider: Some(provider::Http {
            name: "envoy.tracers.opentelemetry".to_owned(),
            config_type: Some(provider::http::ConfigType::TypedConfig(proto::pack_any(
                collector,
            ))),
        }),
        spawn_upstream_span: proto::yes(),
        ..Default::default()
    }
}

/// Who comes with a trace under way has decided already; of the others a share is traced.
fn sampler(percent: f64) -> ParentBasedSamplerConfig {
    // In millionths, of which there are as many as the range allows.
    let millionths = (percent.clamp(0.0, 100.0) * 10_000.0).round() as u32;
    let share = TraceIdRatioBasedSamplerConfig {
        sampling_percentage: Some(FractionalPercent {
            numerator: millionths,
            denominator: fractional_percent::DenominatorType::Million as i32,
        }),
    };
    ParentBasedSamplerConfig {
        wrapped_sampler: Some(extension(
            "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
            proto::pack_any(share),
        )),
    }
}

fn extension(name: &str, config: proto::Any) -> proto::TypedExtensionConfig {
    proto::TypedExtensionConfig {
        name: name.to_owned(),
        typed_config: Some(config),
    }
}

/// What the access line says, too, but for the key.
fn tags() -> Vec<CustomTag> {
    let own = [("url.path", PATH.to_owned())];
    let known = [
        LineField::User,
        LineField::Cluster,
        LineField::Verb,
        LineField::Resource,
        LineField::Reason,
    ]
    .map(|field| (tag_name(field), access_log::known(field)));
    own.into_iter()
        .chain(known)
        .map(|(name, value)| CustomTag {
            tag: name.to_owned(),
            r#type: Some(custom_tag::Type::Value(value)),
        })
        .collect()
}

/// As OpenTelemetry's semantic conventions have it, where they do.
fn tag_name(field: LineField) -> &'static str {
    match field {
        LineField::User => "user.name",
        LineField::Key => "cubegate.key",
        LineField::Cluster => "k8s.cluster.name",
        LineField::Verb => "cubegate.verb",
        LineField::Resource => "cubegate.resource",
        LineField::Reason => "cubegate.reason",
    }
}
