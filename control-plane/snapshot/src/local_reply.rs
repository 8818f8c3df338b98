//! Envoy's own answers in the shape of the path's API.
//!
//! Most of them pass the filter, which shapes them. One kind does not: when an
//! upstream breaks off after the filter has begun to hold a list, Envoy answers
//! past all filters. So the shapes stand here too, told by Envoy's response flags;
//! the filter's own replies carry none. Others come before them: an Envoy that is short of
//! memory, and what it cannot read as HTTP, which has no path yet.

use cubegate_api_types::cube::{self, ErrorBody, message};
use cubegate_filter_config::ORIGINAL_PATH_HEADER;
use cubegate_kube::{Family, Status};
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, header_matcher};
use envoy_types::pb::envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3 as hcm;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};
use serde::Serialize;

use crate::proto::{self, access_log_filter::FilterSpecifier};

/// The upstream was too slow.
const TIMEOUT_FLAGS: &[&str] = &["UT", "UMSDR"];

/// The upstream could not be reached, or broke off.
const FAILURE_FLAGS: &[&str] = &["UH", "UF", "UC", "UR", "UO", "UPE", "URX", "LR", "NC", "NR"];

/// Envoy is short of memory and takes no new request. It says so before the filter has
/// seen the request, and by no flag.
const OVERLOADED: &str = "response.code_details == 'overload'";

/// What Envoy cannot read, by status: its HTTP/1.1 codec says so before there is a path.
/// (Over HTTP/2 such a stream is reset.)
const UNREADABLE: [(u16, &str); 2] = [
    (400, message::HTTP_MALFORMED),
    (431, message::HEAD_TOO_LARGE),
];

pub(crate) fn config() -> hcm::LocalReplyConfig {
    let mappers = [(504, TIMEOUT_FLAGS), (502, FAILURE_FLAGS)]
        .into_iter()
        .flat_map(|(code, flags)| {
            let cube_body = ErrorBody::new(code, message::SERVER_ERROR);
            let kube_body = Status::failure(code, message::upstream_failed(code));
            [
                mapper(
                    code,
                    and(flagged(flags), on_kubecube_paths()),
                    cube::CONTENT_TYPE,
                    &cube_body,
                ),
                mapper(code, flagged(flags), "application/json", &kube_body),
            ]
        });
    let refusals = [
        mapper(
            503,
            and(told_by(OVERLOADED), on_kubecube_paths()),
            cube::CONTENT_TYPE,
            &ErrorBody::new(503, message::OVERLOADED),
        ),
        mapper(
            503,
            told_by(OVERLOADED),
            "application/json",
            &Status::failure(503, message::OVERLOADED),
        ),
    ]
    .map(|mapper| hcm::ResponseMapper {
        headers_to_add: vec![retry_after()],
        ..mapper
    });
    let unreadable = UNREADABLE.map(|(code, message)| {
        let expression =
            format!("response.code == {code} && response.code_details.startsWith('http1.')");
        let body = Status::failure(code, message);
        mapper(code, told_by(&expression), "application/json", &body)
    });
    hcm::LocalReplyConfig {
        mappers: mappers.chain(refusals).chain(unreadable).collect(),
        body_format: None,
    }
}

fn mapper(
    code: u16,
    filter: proto::AccessLogFilter,
    content_type: &str,
    body: &impl Serialize,
) -> hcm::ResponseMapper {
    // Plain structs of strings and numbers always serialise. A percent sign would
    // begin a command of the format; the bodies have none.
    let text = serde_json::to_string(body).unwrap_or_default();
    hcm::ResponseMapper {
        filter: Some(filter),
        status_code: proto::number(u32::from(code)),
        body_format_override: Some(proto::SubstitutionFormatString {
            format: proto::inline_string(text)
                .map(proto::substitution_format_string::Format::TextFormatSource),
            content_type: content_type.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn flagged(flags: &[&str]) -> proto::AccessLogFilter {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    specifier(FilterSpecifier::ResponseFlagFilter(
        proto::ResponseFlagFilter { flags },
    ))
}

/// The path that was asked for: the filter keeps it when it sets another one.
fn on_kubecube_paths() -> proto::AccessLogFilter {
    let begins = |header: &str, root: &str| {
        let prefix = StringMatcher {
            match_pattern: Some(string_matcher::MatchPattern::Prefix(format!("{root}/"))),
            ..Default::default()
        };
        let specifier_of = header_matcher::HeaderMatchSpecifier::StringMatch(prefix);
        specifier(FilterSpecifier::HeaderFilter(proto::HeaderFilter {
            header: Some(HeaderMatcher {
                name: header.to_owned(),
                header_match_specifier: Some(specifier_of),
                ..Default::default()
            }),
        }))
    };
    specifier(FilterSpecifier::OrFilter(proto::OrFilter {
        filters: [ORIGINAL_PATH_HEADER, ":path"]
            .into_iter()
            .flat_map(|header| Family::KUBECUBE.map(|root| begins(header, root)))
            .collect(),
    }))
}

/// Envoy's own answers of which this expression (CEL) holds.
fn told_by(expression: &str) -> proto::AccessLogFilter {
    let expression = ExpressionFilter {
        expression: expression.to_owned(),
        ..Default::default()
    };
    specifier(FilterSpecifier::ExtensionFilter(proto::ExtensionFilter {
        name: "envoy.access_loggers.extension_filters.cel".to_owned(),
        config_type: Some(proto::extension_filter::ConfigType::TypedConfig(
            proto::pack_any(expression),
        )),
    }))
}

fn retry_after() -> proto::HeaderValueOption {
    proto::HeaderValueOption {
        header: Some(proto::HeaderValue {
            key: "retry-after".to_owned(),
            value: "1".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn and(one: proto::AccessLogFilter, other: proto::AccessLogFilter) -> proto::AccessLogFilter {
    specifier(FilterSpecifier::AndFilter(proto::AndFilter {
        filters: vec![one, other],
    }))
}

fn specifier(specifier: FilterSpecifier) -> proto::AccessLogFilter {
    proto::AccessLogFilter {
        filter_specifier: Some(specifier),
    }
}
