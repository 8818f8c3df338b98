//! Resources as trees of names and values, to compare them whole.
//!
//! Envoy's types tell their fields in their `Debug` form alone, so that is what is read.
//! Fields that have their default are left out, and what is packed is unpacked.

use std::fmt::Debug;

use cubegate_filter_config::PartKind;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::config::trace::v3::OpenTelemetryConfig;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;
use envoy_types::pb::envoy::extensions::access_loggers::grpc::v3::HttpGrpcAccessLogConfig;
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;
use envoy_types::pb::envoy::extensions::filters::http::credential_injector::v3::CredentialInjector;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::http::set_filter_state::v3::Config as SetFilterState;
use envoy_types::pb::envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec;
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3 as hcm;
use envoy_types::pb::envoy::extensions::formatter::req_without_query::v3::ReqWithoutQuery;
use envoy_types::pb::envoy::extensions::http::early_header_mutation::header_mutation::v3 as early;
use envoy_types::pb::envoy::extensions::http::injected_credentials::generic::v3::Generic;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use envoy_types::pb::envoy::extensions::tracers::opentelemetry::samplers::v3::{
    ParentBasedSamplerConfig, TraceIdRatioBasedSamplerConfig,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::google::protobuf::StringValue;
use prost::{Message, Name};
use serde_json::{Map, Value};

use crate::{ResourceType, Snapshot, proto};

/// The resources of these kinds by name, without the listener's certificate, and without the many
/// that bring documents and are all alike.
pub(super) fn rendered(snapshot: &Snapshot, kinds: &[ResourceType]) -> Value {
    let of_kind = |kind: &ResourceType| {
        let type_url = kind.type_url();
        let resources = snapshot.all(*kind);
        resources.map(move |(name, resource)| (&**name, type_url, resource))
    };
    let resources = kinds.iter().flat_map(of_kind);
    resources
        .filter(|(name, ..)| !["listener/certificate", "documents"].contains(name))
        .filter(|(name, ..)| PartKind::of_filter(name).is_none())
        .map(|(name, type_url, resource)| (name.to_owned(), unpacked(type_url, &resource.value)))
        .collect()
}

fn unpacked(type_url: &str, bytes: &[u8]) -> Value {
    fn of<M: Message + Name + Default + Debug>() -> (String, fn(&[u8]) -> String) {
        (M::type_url(), |bytes| {
            format!("{:?}", M::decode(bytes).unwrap())
        })
    }
    let known = [
        of::<proto::Cluster>(),
        of::<proto::TypedExtensionConfig>(),
        of::<Listener>(),
        of::<RouteConfiguration>(),
        of::<tls::Secret>(),
        of::<tls::UpstreamTlsContext>(),
        of::<tls::DownstreamTlsContext>(),
        of::<hcm::HttpConnectionManager>(),
        of::<HttpProtocolOptions>(),
        of::<CredentialInjector>(),
        of::<early::HeaderMutation>(),
        of::<ExpressionFilter>(),
        of::<FileAccessLog>(),
        of::<Generic>(),
        of::<HttpGrpcAccessLogConfig>(),
        of::<OpenTelemetryConfig>(),
        of::<ParentBasedSamplerConfig>(),
        of::<TraceIdRatioBasedSamplerConfig>(),
        of::<PreviousHostsPredicate>(),
        of::<ProxyProtocol>(),
        of::<ReqWithoutQuery>(),
        of::<Router>(),
        of::<SetFilterState>(),
        of::<StdoutAccessLog>(),
        of::<UpstreamCodec>(),
        of::<Wasm>(),
    ];
    if type_url == StringValue::type_url() {
        // The filter's document.
        let text = StringValue::decode(bytes).unwrap().value;
        return serde_json::from_str(&text).unwrap();
    }
    let shown = known.into_iter().find(|(known, _)| known == type_url);
    let (_, shown) = shown.unwrap_or_else(|| panic!("say how {type_url} is shown"));
    let mut tree = Reader {
        rest: &shown(bytes),
    }
    .value();
    if let Value::Object(fields) = &mut tree {
        let (_, name) = type_url.rsplit_once('/').unwrap();
        fields.insert("@type".to_owned(), name.into());
    }
    tree
}

/// Reads the `Debug` form of a message.
struct Reader<'a> {
    rest: &'a str,
}

// === impl Reader ===

impl Reader<'_> {
    fn value(&mut self) -> Value {
        match self.rest.chars().next().unwrap() {
            '"' => Value::String(self.text()),
            '[' => Value::Array(self.parts('[', ']', Self::value)),
            // A map, for nothing stands before it.
            '{' => match self.parts('{', '}', Self::entry) {
                none if none.is_empty() => Value::Null,
                entries => entries.into_iter().collect(),
            },
            '-' | '0'..='9' => serde_json::from_str(self.word()).unwrap(),
            _ => self.named(),
        }
    }

    /// What begins with a name: a message, one case of several, or a plain word.
    fn named(&mut self) -> Value {
        let name = self.word().to_owned();
        if self.rest.starts_with(" {") {
            self.rest = self.rest.trim_start();
            return message(&name, self.parts('{', '}', Self::entry));
        }
        if self.rest.starts_with('(') {
            let value = self.parts('(', ')', Self::value).remove(0);
            return match name.as_str() {
                "Some" => value,
                _ => Value::Object(Map::from_iter([(name, value)])),
            };
        }
        match name.as_str() {
            "None" | "Default" => Value::Null,
            "true" | "false" => Value::Bool(name == "true"),
            _ => Value::String(name),
        }
    }

    fn entry(&mut self) -> (String, Value) {
        let name = match self.rest.starts_with('"') {
            true => self.text(),
            false => self.word().trim_start_matches("r#").to_owned(),
        };
        self.rest = self.rest.strip_prefix(": ").unwrap();
        (name, self.value())
    }

    fn parts<T>(&mut self, open: char, close: char, part: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut parts = Vec::new();
        self.rest = self.rest.strip_prefix(open).unwrap().trim_start();
        while !self.rest.starts_with(close) {
            parts.push(part(self));
            self.rest = self.rest.trim_start_matches([',', ' ']);
        }
        self.rest = self.rest.strip_prefix(close).unwrap();
        parts
    }

    fn word(&mut self) -> &str {
        let end = self.rest.find([',', ' ', '(', ')', '}', ']', ':']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        loop {
            let (at, character) = characters.next().unwrap();
            match character {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap();
                    return text;
                }
                '\\' => text.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    shielded @ ('"' | '\\' | '\'') => shielded,
                    other => panic!("an escape with {other}"),
                }),
                other => text.push(other),
            }
        }
    }
}

/// What its type makes of a message.
fn message(name: &str, fields: Vec<(String, Value)>) -> Value {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .unwrap()
            .1
            .clone()
    };
    match name {
        "Any" => {
            let bytes: Vec<u8> = serde_json::from_value(field("value")).unwrap();
            unpacked(field("type_url").as_str().unwrap(), &bytes)
        }
        "BoolValue" | "UInt32Value" | "UInt64Value" => field("value"),
        "Duration" => {
            let of = |name| field(name).as_f64().unwrap();
            format!("{}s", of("seconds") + of("nanos") / 1e9).into()
        }
        _ => fields
            .into_iter()
            .filter(|(_, value)| !is_default(value))
            .collect(),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(parts) => parts.is_empty(),
        _ => false,
    }
}
