//! The control plane's own traces: one span a request of the HTTP API, which goes on with
//! the trace that Envoy, or a client, has begun.
//!
//! They go to the collector in batches. One that does not answer holds nothing up: what
//! finds no place in the queue is dropped.

use std::time::Duration;

use anyhow::Context as _;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tonic::transport::ClientTlsConfig;
use tracing::{Instrument as _, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::args::TracesArgs;

/// The target of the spans, which are of no interest to the log.
pub(crate) const TARGET: &str = "cubegate_traces";

/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends them; the rest of them when the process ends.
pub(crate) struct Traces(SdkTracerProvider);

// === impl Traces ===

impl Traces {
    /// Begins to send; `None` when nobody wants them. Within the runtime.
    pub(crate) fn begin(args: &TracesArgs) -> anyhow::Result<Option<Self>> {
        let (Some(endpoint), Some(settings)) = (&args.otlp_endpoint, args.settings()?) else {
            return Ok(None);
        };
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE);
        if settings.tls {
            exporter = exporter.with_tls_config(ClientTlsConfig::new().with_native_roots());
        }
        let exporter = exporter
            .build()
            .context("traces cannot be sent to --otlp-endpoint")?;
        let resource = Resource::builder()
            .with_service_name("cubegate")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let own = Sampler::TraceIdRatioBased(settings.percent / 100.0);
        Ok(Some(Self(
            SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(resource)
                .with_sampler(Sampler::ParentBased(Box::new(own)))
                .build(),
        )))
    }

    /// What makes OpenTelemetry's of the spans of [`span`].
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("cubegate"))
            .with_location(false)
            .with_threads(false)
            .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == TARGET
            }))
    }

    /// Sends what is left.
    pub(crate) fn end(self) {
        // A collector that is away is no reason to fail.
        if let Err(error) = self.0.shutdown() {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// A span for a request; nobody makes one when there are no traces.
pub(crate) async fn span(request: Request, next: Next) -> Response {
    let method = request.method().as_str();
    let span = tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.response.status_code = field::Empty,
        // Never the query: secrets stand in it.
        url.path = request.uri().path(),
    );
    if span.is_disabled() {
        return next.run(request).await;
    }
    let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
    // Only a span that has begun already would refuse.
    let _ = span.set_parent(parent);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Headers, as a propagator reads them.
struct Headers<'a>(&'a HeaderMap);

// === impl Headers ===

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
