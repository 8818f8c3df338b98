//! What Envoy writes down of each request: a line for people, and all of it for the
//! control plane's audit records.

use cubegate_filter_config::{
    AUDIT_FILTER_STATE, FILTER_LIVENESS_PATH, LINE_PROPERTY, LineField, LineForm,
};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3 as file_log;
use envoy_types::pb::envoy::extensions::access_loggers::grpc::v3 as grpc_log;
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3 as stream_log;
use envoy_types::pb::envoy::extensions::formatter::req_without_query::v3::ReqWithoutQuery;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};
use proto::access_log_filter::FilterSpecifier;

use crate::{AccessLog, AccessLogFormat, AccessLogTarget, ListenerSettings, proto};

/// The Envoy cluster of the control plane's gRPC, as `cubegate bootstrap` calls it.
const XDS_CLUSTER: &str = "xds";

/// How much of the audit log a worker of Envoy keeps until it sends it, in bytes;
/// some 3,000 requests. What finds no place is dropped and counted in
/// `access_logs.grpc_access_log.logs_dropped`: nothing waits for the log.
const AUDIT_BUFFER_BYTES: u32 = 1 << 20;

/// What the filter says at the end of a line is no longer than this.
const MAX_WORDS_BYTES: usize = 1024;

/// One line a request, with a bound on everything that a client writes: a path of
/// 60 KB would fill a disk soon. The query is left out: access keys may stand in it.
/// What the filter knows of it stands at the end.
const ACCESS_LOG: &str = "%START_TIME% %REQ(:METHOD):16% %REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH):256% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% ms=%DURATION% upstream=%UPSTREAM_CLUSTER% id=%REQ(X-REQUEST-ID):64%";

/// The same as an object, in which what there is not is left out.
const ACCESS_LOG_FIELDS: [(&str, &str); 12] = [
    ("time", "%START_TIME%"),
    ("method", "%REQ(:METHOD):16%"),
    (
        "path",
        "%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH):256%",
    ),
    ("status", "%RESPONSE_CODE%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
    ("bytesIn", "%BYTES_RECEIVED%"),
    ("bytesOut", "%BYTES_SENT%"),
    ("durationMs", "%DURATION%"),
    ("upstream", "%UPSTREAM_CLUSTER%"),
    ("requestId", "%REQ(X-REQUEST-ID):64%"),
    ("client", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
];

/// Both logs.
pub(crate) fn all(settings: &ListenerSettings) -> Vec<proto::AccessLog> {
    vec![lines(settings), audit()]
}

/// How the filter is to leave what it knows of a request.
pub(crate) fn line_form(settings: &ListenerSettings) -> LineForm {
    let reads_fields = settings.access_log.format == AccessLogFormat::Json;
    match reads_fields || settings.traces.is_some() {
        true => LineForm::Fields,
        false => LineForm::Words,
    }
}

/// What the filter has left of a request, as Envoy writes it.
pub(crate) fn known(field: LineField) -> String {
    format!("%FILTER_STATE(wasm.{}:PLAIN):128%", field.property())
}

/// Returns Envoy's format of a line of text, when the filter leaves what it knows in this form.
pub fn access_line(form: LineForm) -> String {
    let mut line = ACCESS_LOG.to_owned();
    match form {
        LineForm::Nothing => {}
        LineForm::Words => line.push_str(&format!(
            " %FILTER_STATE(wasm.{LINE_PROPERTY}:PLAIN):{MAX_WORDS_BYTES}%"
        )),
        LineForm::Fields => {
            for field in LineField::ALL {
                line.push_str(&format!(" {}={}", field.name(), known(field)));
            }
        }
    }
    line.push('\n');
    line
}

fn text(form: LineForm) -> proto::substitution_format_string::Format {
    proto::substitution_format_string::Format::TextFormatSource(
        proto::inline_string(access_line(form)).unwrap_or_default(),
    )
}

fn json() -> proto::substitution_format_string::Format {
    let own = ACCESS_LOG_FIELDS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let known = LineField::ALL.map(|field| (field.name().to_owned(), known(field)));
    let value = |text| proto::Value {
        kind: Some(proto::value::Kind::StringValue(text)),
    };
    proto::substitution_format_string::Format::JsonFormat(proto::Struct {
        fields: own
            .into_iter()
            .chain(known)
            .map(|(name, text)| (name, value(text)))
            .collect(),
    })
}

/// A line a request, for people or for machines.
fn lines(settings: &ListenerSettings) -> proto::AccessLog {
    let AccessLog { target, format } = &settings.access_log;
    let format = proto::SubstitutionFormatString {
        format: Some(match format {
            AccessLogFormat::Text => text(line_form(settings)),
            AccessLogFormat::Json => json(),
        }),
        omit_empty_values: *format == AccessLogFormat::Json,
        formatters: vec![proto::TypedExtensionConfig {
            name: "envoy.formatter.req_without_query".to_owned(),
            typed_config: Some(proto::pack_any(ReqWithoutQuery {})),
        }],
        ..Default::default()
    };
    let (name, log) = match target {
        AccessLogTarget::Stdout => {
            let log = stream_log::StdoutAccessLog {
                access_log_format: Some(stream_log::stdout_access_log::AccessLogFormat::LogFormat(
                    format,
                )),
            };
            ("envoy.access_loggers.stdout", proto::pack_any(log))
        }
        AccessLogTarget::File(path) => {
            let log = file_log::FileAccessLog {
                path: path.clone(),
                access_log_format: Some(file_log::file_access_log::AccessLogFormat::LogFormat(
                    format,
                )),
            };
            ("envoy.access_loggers.file", proto::pack_any(log))
        }
    };
    proto::AccessLog {
        name: name.to_owned(),
        filter: Some(worth_a_line()),
        config_type: Some(proto::access_log::ConfigType::TypedConfig(log)),
    }
}

/// Every request, for the control plane's audit records.
fn audit() -> proto::AccessLog {
    let xds = proto::grpc_service::EnvoyGrpc {
        cluster_name: XDS_CLUSTER.to_owned(),
        ..Default::default()
    };
    let log = grpc_log::HttpGrpcAccessLogConfig {
        common_config: Some(grpc_log::CommonGrpcAccessLogConfig {
            log_name: "audit".to_owned(),
            grpc_service: Some(proto::GrpcService {
                target_specifier: Some(proto::grpc_service::TargetSpecifier::EnvoyGrpc(xds)),
                ..Default::default()
            }),
            transport_api_version: proto::ApiVersion::V3 as i32,
            buffer_flush_interval: proto::seconds(1),
            buffer_size_bytes: proto::number(AUDIT_BUFFER_BYTES),
            filter_state_objects_to_log: vec![AUDIT_FILTER_STATE.to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    proto::AccessLog {
        name: "envoy.access_loggers.http_grpc".to_owned(),
        config_type: Some(proto::access_log::ConfigType::TypedConfig(proto::pack_any(
            log,
        ))),
        filter: Some(worth_a_line()),
    }
}

/// Everything but a probe that went well: there is one a second.
fn worth_a_line() -> proto::AccessLogFilter {
    let path = StringMatcher {
        match_pattern: Some(string_matcher::MatchPattern::Exact(
            FILTER_LIVENESS_PATH.to_owned(),
        )),
        ..Default::default()
    };
    let another_path = proto::HeaderFilter {
        header: Some(proto::HeaderMatcher {
            name: ":path".to_owned(),
            invert_match: true,
            header_match_specifier: Some(proto::header_matcher::HeaderMatchSpecifier::StringMatch(
                path,
            )),
            ..Default::default()
        }),
    };
    let not_well = proto::StatusCodeFilter {
        comparison: Some(proto::ComparisonFilter {
            op: proto::comparison_filter::Op::Ge as i32,
            value: Some(proto::RuntimeUInt32 {
                default_value: 300,
                // Envoy demands a name; nobody sets it.
                runtime_key: "cubegate.probe_log_status".to_owned(),
            }),
        }),
    };
    let filters = [
        FilterSpecifier::HeaderFilter(another_path),
        FilterSpecifier::StatusCodeFilter(not_well),
    ]
    .map(|filter| proto::AccessLogFilter {
        filter_specifier: Some(filter),
    })
    .to_vec();
    proto::AccessLogFilter {
        filter_specifier: Some(FilterSpecifier::OrFilter(proto::OrFilter { filters })),
    }
}
