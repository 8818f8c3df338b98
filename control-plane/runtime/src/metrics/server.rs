//! The port where it is read: HTTP in clear, for machines of the operator's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::encoding::prometheus_text;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::{Format, Metrics};

/// How many connections there may be. A Prometheus keeps one.
const CONNECTIONS: usize = 32;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection lasts at most, however much is said: otherwise the first ones could
/// keep their places for ever.
const LONGEST: Duration = Duration::from_secs(15 * 60);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers, until `stopped`. `probes` say whether the process lives and is ready.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    probes: Router,
    stopped: impl Future<Output = ()>,
) {
    let router = Router::new()
        .route("/metrics", get(text))
        .with_state(metrics)
        .merge(probes);
    tokio::select! {
        () = accept(listener, router) => {}
        () = stopped => {}
    }
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // What finds no place waits in the system's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, above all; at once it would fail again.
                tracing::warn!(%error, "a connection for metrics cannot be accepted");
                sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever has hung up needs no answer.
            let _ = timeout(LONGEST, connection).await;
            drop(place);
        });
    }
}

async fn text(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    let format = Format::wanted(&headers);
    match metrics.to_text(format) {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

// === impl Format ===

impl Format {
    /// Prometheus asks for OpenMetrics first, with the version that it knows.
    fn wanted(headers: &HeaderMap) -> Self {
        let accept = headers.get_all(header::ACCEPT).iter();
        let mut accept = accept.filter_map(|value| value.to_str().ok());
        match accept.any(|value| value.contains("application/openmetrics-text")) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => OPENMETRICS,
        }
    }
}
