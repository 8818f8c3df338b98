//! Envoy's admin page, on this machine only.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long the page may take; its thread also compiles the filter.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest answer that is read.
const MAX_ANSWER: u64 = 64 << 10;

/// How often is looked whether a request is still under way.
const POLL: Duration = Duration::from_millis(50);

/// Where the page is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admin(pub(super) SocketAddr);

// === impl Admin ===

impl Admin {
    /// Returns whether Envoy is ready to serve.
    pub(super) async fn is_ready(self) -> bool {
        self.ask("GET", "/ready").await.is_ok()
    }

    /// Takes no new connections any more, asks clients to leave the ones they have,
    /// and waits until no request is under way or `patience` is over. An Envoy that
    /// does not answer has nothing to wait for.
    pub(super) async fn drain(self, patience: Duration) {
        let end = Instant::now() + patience;
        // The first one says "close" in every answer from now on, the second one
        // closes the listener; neither ends a request.
        for path in ["/drain_listeners?graceful", "/drain_listeners"] {
            if let Err(error) = self.ask("POST", path).await {
                tracing::debug!(%error, "Envoy could not be drained");
                return;
            }
        }
        while Instant::now() < end {
            match self.requests_under_way().await {
                Ok(0) | Err(_) => return,
                Ok(_) => sleep(POLL).await,
            }
        }
        if let Ok(cut) = self.requests_under_way().await {
            tracing::info!(
                requests = cut,
                "Envoy is stopped although requests are under way: they had {} s to end",
                patience.as_secs()
            );
        }
    }

    async fn requests_under_way(self) -> anyhow::Result<u64> {
        let answer = self
            .ask("GET", "/stats?filter=^http.gateway.downstream_rq_active$")
            .await?;
        let value = answer
            .lines()
            .find_map(|line| line.strip_prefix("http.gateway.downstream_rq_active: "))
            .context("the gauge is missing")?;
        Ok(value.trim().parse()?)
    }

    /// Returns the body of an answer with status 200.
    async fn ask(self, method: &str, path: &str) -> anyhow::Result<String> {
        let ask = async {
            let mut stream = TcpStream::connect(self.0).await?;
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(TIMEOUT, ask).await??;
        let answer = String::from_utf8_lossy(&answer);
        ensure!(
            answer.starts_with("HTTP/1.1 200"),
            "the admin page answers {}",
            answer.lines().next().unwrap_or_default()
        );
        Ok(answer.into_owned())
    }
}
