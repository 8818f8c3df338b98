//! The two logs that a gateway's Envoys write: a line of each request, and what the control plane
//! makes audit records of.

use std::path::Path;

use anyhow::{Context as _, Result};
use cubegate_filter_config::{AUDIT_FILTER_STATE, LineForm};
use cubegate_snapshot::access_line;
use envoy_types::pb::envoy::service::accesslog::v3 as proto;
use futures::StreamExt as _;
use proto::access_log_service_server::{AccessLogService, AccessLogServiceServer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

/// The Envoy cluster of the sink.
const CLUSTER: &str = "logs";

/// Takes what Envoy sends, in the control plane's place, and drops it. It ends with the value.
pub struct Sink {
    port: u16,
    task: JoinHandle<()>,
}

/// Counts for nothing but that Envoy has somebody to send to.
struct Drain;

// === impl Sink ===

impl Sink {
    /// Listens on a free port.
    ///
    /// # Errors
    /// A machine without one.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let server = tonic::transport::Server::builder()
            .add_service(AccessLogServiceServer::new(Drain))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async {
            // Without it Envoy's logs are dropped, which its statistics would show.
            let _ = server.await;
        });
        Ok(Self { port, task })
    }

    /// Returns both logs as a listener has them; the lines go to a file of the folder.
    pub fn logs(&self, dir: &Path) -> Value {
        let line = access_line(LineForm::Words);
        json!([
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": dir.join("access.log"),
                    "log_format": {
                        "text_format_source": { "inline_string": line },
                        "formatters": [{
                            "name": "envoy.formatter.req_without_query",
                            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery" },
                        }],
                    },
                },
            },
            {
                "name": "envoy.access_loggers.http_grpc",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
                    "common_config": {
                        "log_name": "audit",
                        "transport_api_version": "V3",
                        "grpc_service": { "envoy_grpc": { "cluster_name": CLUSTER } },
                        "buffer_flush_interval": "1s",
                        "buffer_size_bytes": 1 << 20,
                        "filter_state_objects_to_log": [AUDIT_FILTER_STATE],
                    },
                },
            },
        ])
    }

    /// Returns the Envoy cluster that they name.
    pub fn cluster(&self) -> Value {
        let address =
            json!({ "socket_address": { "address": "127.0.0.1", "port_value": self.port } });
        json!({
            "name": CLUSTER,
            "type": "STATIC",
            "connect_timeout": "5s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": { "http2_protocol_options": {} },
                },
            },
            "load_assignment": {
                "cluster_name": CLUSTER,
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
            },
        })
    }

    /// Puts the logs into every listener of a configuration.
    ///
    /// # Errors
    /// A configuration of another form.
    pub fn put(&self, document: &mut Value, dir: &Path) -> Result<()> {
        let resources = document
            .get_mut("static_resources")
            .context("no resources")?;
        let clusters = resources.get_mut("clusters").and_then(Value::as_array_mut);
        clusters.context("no clusters")?.push(self.cluster());
        let listeners = resources.get_mut("listeners").and_then(Value::as_array_mut);
        for listener in listeners.context("no listeners")? {
            let manager = listener.pointer_mut(super::config::CONNECTION_MANAGER);
            let manager = manager.and_then(Value::as_object_mut);
            let manager = manager.context("a listener without HTTP")?;
            manager.insert("access_log".to_owned(), self.logs(dir));
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tonic::async_trait]
impl AccessLogService for Drain {
    async fn stream_access_logs(
        &self,
        request: Request<Streaming<proto::StreamAccessLogsMessage>>,
    ) -> Result<Response<proto::StreamAccessLogsResponse>, Status> {
        let mut batches = request.into_inner();
        while let Some(batch) = batches.next().await {
            drop(batch?);
        }
        Ok(Response::new(proto::StreamAccessLogsResponse {}))
    }
}
