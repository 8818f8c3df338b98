//! The access log that every Envoy sends here (`envoy.access_loggers.http_grpc`).
//!
//! ```text
//! Envoy's workers ══batches══> AccessLogService ──AccessLogEntry──> whoever asked for them
//! ```
//!
//! Envoy reads no answer and waits for nothing: a batch that cannot be taken is
//! lost, and what is done with the entries must not block.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::data::accesslog::v3 as data;
use envoy_types::pb::envoy::service::accesslog::v3 as proto;
use envoy_types::pb::google::protobuf::{self, Any, BytesValue};
use prost::Message as _;
use proto::access_log_service_server::AccessLogService;
use proto::stream_access_logs_message::LogEntries;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use crate::connection::Peer;

/// One request that an Envoy has finished, or given up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessLogEntry {
    /// When its first byte came, in microseconds of Unix time.
    pub start_micros: i64,
    /// From its first byte to the last one of the answer.
    pub duration: Duration,
    /// The method.
    pub method: String,
    /// The path as it went upstream, with the query: it may hold secrets.
    pub path: String,
    /// The path as the client asked it, when the filter has kept it.
    pub original_path: String,
    /// The status that the client got; `None` when it got none.
    pub status: Option<u16>,
    /// Where the answer came from, in Envoy's words (`via_upstream`).
    pub details: String,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body, as sent.
    pub response_bytes: u64,
    /// `x-request-id`.
    pub request_id: String,
    /// The client's name for itself.
    pub user_agent: String,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The Envoy cluster that the request went to; empty when it went nowhere.
    pub upstream_cluster: String,
    /// What the filter has left under the name that was asked for.
    pub note: Option<Vec<u8>>,
}

/// What takes the entries of an Envoy, by its name. It must not block.
type Take = dyn Fn(&str, Vec<AccessLogEntry>) + Send + Sync;

/// Takes batches of entries.
#[derive(Clone)]
pub struct AccessLog {
    note: &'static str,
    take: Arc<Take>,
}

/// The gRPC service.
pub(crate) struct Service {
    pub(crate) log: AccessLog,
    pub(crate) closing: watch::Receiver<bool>,
}

// === impl AccessLog ===

impl AccessLog {
    /// Hands every batch to `take`, with the name of the Envoy whose certificate it came
    /// under; `note` is the filter-state object whose bytes
    /// become [`AccessLogEntry::note`].
    pub fn new(
        note: &'static str,
        take: impl Fn(&str, Vec<AccessLogEntry>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            note,
            take: Arc::new(take),
        }
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessLog")
    }
}

// === impl Service ===

#[tonic::async_trait]
impl AccessLogService for Service {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<proto::StreamAccessLogsMessage>>,
    ) -> Result<Response<proto::StreamAccessLogsResponse>, Status> {
        let peer = Peer::of(request.extensions())?;
        let mut messages = request.into_inner();
        let mut closing = self.closing.clone();
        let mut name = peer.node.clone();
        loop {
            let message = tokio::select! {
                message = messages.message() => message?,
                _ = closing.wait_for(|closing| *closing) => None,
            };
            let Some(message) = message else {
                return Ok(Response::new(proto::StreamAccessLogsResponse {}));
            };
            // Said once, with the first batch.
            if let Some(node) = message.identifier.and_then(|identifier| identifier.node) {
                peer.check(&node.id).inspect_err(|status| {
                    tracing::warn!(
                        envoy.node = peer.node,
                        envoy.peer = %peer.address,
                        error = status.message(),
                        "an access log is refused"
                    );
                })?;
                name = node.id;
            }
            if let Some(LogEntries::HttpLogs(logs)) = message.log_entries {
                let entries = logs.log_entry.into_iter();
                let entries = entries
                    .map(|entry| to_entry(entry, self.log.note))
                    .collect();
                (self.log.take)(&name, entries);
            }
        }
    }
}

fn to_entry(entry: data::HttpAccessLogEntry, note: &str) -> AccessLogEntry {
    let common = entry.common_properties.unwrap_or_default();
    let request = entry.request.unwrap_or_default();
    let response = entry.response.unwrap_or_default();
    let note = common.filter_state_objects.get(note).and_then(to_bytes);
    let method = core::RequestMethod::try_from(request.request_method);
    AccessLogEntry {
        start_micros: common.start_time.map_or(0, |time| {
            let micros = i64::from(time.nanos) / 1_000;
            time.seconds
                .saturating_mul(1_000_000)
                .saturating_add(micros)
        }),
        duration: common
            .duration
            .or(common.time_to_last_downstream_tx_byte)
            .map(to_duration)
            .unwrap_or_default(),
        method: match method {
            Ok(core::RequestMethod::MethodUnspecified) | Err(_) => String::new(),
            Ok(method) => method.as_str_name().to_owned(),
        },
        path: request.path,
        original_path: request.original_path,
        status: response
            .response_code
            .and_then(|code| u16::try_from(code.value).ok())
            .filter(|status| *status > 0),
        details: response.response_code_details,
        request_bytes: request.request_body_bytes,
        response_bytes: response.response_body_bytes,
        request_id: request.request_id,
        user_agent: request.user_agent,
        client: common.downstream_remote_address.and_then(to_ip),
        upstream_cluster: common.upstream_cluster,
        note,
    }
}

/// The bytes of a property that a wasm filter has set: `BytesValue`, which Envoy
/// wraps once more on its way.
fn to_bytes(any: &Any) -> Option<Vec<u8>> {
    let mut any = any.clone();
    while any.type_url.ends_with("/google.protobuf.Any") {
        any = Any::decode(any.value.as_slice()).ok()?;
    }
    // `StringValue` has the same form.
    let value = BytesValue::decode(any.value.as_slice()).ok()?.value;
    Some(value)
}

/// A duration before its beginning is none.
fn to_duration(duration: protobuf::Duration) -> Duration {
    let seconds = u64::try_from(duration.seconds).unwrap_or(0);
    let nanos = u32::try_from(duration.nanos).unwrap_or(0);
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::from(nanos)))
}

fn to_ip(address: core::Address) -> Option<IpAddr> {
    match address.address? {
        core::address::Address::SocketAddress(address) => address.address.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(type_name: &str, value: Vec<u8>) -> Any {
        Any {
            type_url: format!("type.googleapis.com/google.protobuf.{type_name}"),
            value,
        }
    }

    #[test]
    fn an_entry_is_read_whole() {
        let bytes = BytesValue {
            value: b"{}".to_vec(),
        };
        let inner = any("BytesValue", bytes.encode_to_vec());
        let address = core::SocketAddress {
            address: "203.0.113.7".to_owned(),
            ..Default::default()
        };
        let entry = data::HttpAccessLogEntry {
            common_properties: Some(data::AccessLogCommon {
                start_time: Some(protobuf::Timestamp {
                    seconds: 1_700_000_000,
                    nanos: 123_456_789,
                }),
                duration: Some(protobuf::Duration {
                    seconds: 1,
                    nanos: 500_000_000,
                }),
                downstream_remote_address: Some(core::Address {
                    address: Some(core::address::Address::SocketAddress(address)),
                }),
                upstream_cluster: "cluster/p".to_owned(),
                filter_state_objects: [("wasm.x".to_owned(), any("Any", inner.encode_to_vec()))]
                    .into(),
                ..Default::default()
            }),
            request: Some(data::HttpRequestProperties {
                request_method: core::RequestMethod::Delete as i32,
                path: "/a?b".to_owned(),
                request_body_bytes: 3,
                ..Default::default()
            }),
            response: Some(data::HttpResponseProperties {
                response_code: Some(protobuf::UInt32Value { value: 404 }),
                response_body_bytes: 7,
                ..Default::default()
            }),
            ..Default::default()
        };
        let read = to_entry(entry, "wasm.x");
        let expected = AccessLogEntry {
            start_micros: 1_700_000_000_123_456,
            duration: Duration::from_millis(1_500),
            method: "DELETE".to_owned(),
            path: "/a?b".to_owned(),
            status: Some(404),
            request_bytes: 3,
            response_bytes: 7,
            client: Some("203.0.113.7".parse().unwrap()),
            upstream_cluster: "cluster/p".to_owned(),
            note: Some(b"{}".to_vec()),
            ..Default::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_empty_entry_is_one_of_which_nothing_is_known() {
        let read = to_entry(data::HttpAccessLogEntry::default(), "wasm.x");
        assert_eq!(read, AccessLogEntry::default());
    }
}
