//! A client of one kept-open HTTP/1.1 connection that costs next to nothing, so
//! that the cores are the server's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::Gateway;
use cubegate_tests::tls::{client_config, read_pem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// The name in the control plane's certificate.
const SERVER_NAME: &str = "cubegate-xds";

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer.
const MAX_ANSWER: usize = 64 * 1024;

/// The control plane, spoken to as its Envoy speaks to it.
#[derive(Clone)]
pub struct ControlPlane {
    address: String,
    tls: TlsConnector,
}

/// One connection.
pub struct KeepAlive {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

// === impl ControlPlane ===

impl ControlPlane {
    /// That of this gateway.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn of(gateway: &Gateway) -> Result<Self> {
        let endpoints = gateway.endpoints();
        let address = endpoints
            .control_plane
            .strip_prefix("https://")
            .context("the control plane has no address")?
            .to_owned();
        let ca = read_pem(&endpoints.control_plane_ca)?;
        let config = client_config(&ca, Some(&gateway.envoy_identity()?))?;
        Ok(Self {
            address,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }
}

// === impl KeepAlive ===

impl KeepAlive {
    /// Connects to it.
    ///
    /// # Errors
    /// Nobody there.
    pub async fn connect(server: &ControlPlane) -> Result<Self> {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(SERVER_NAME)?;
        let stream = server.tls.connect(name, stream).await?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends the bytes of a request and gives the body of the answer.
    ///
    /// # Errors
    /// Anything but a 200 with a `content-length`.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        timeout(PATIENCE, self.stream.write_all(request)).await??;
        self.buffer.clear();
        loop {
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                let start = head + 4;
                let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
                ensure!(text.starts_with("HTTP/1.1 200 "), "refused: {text}");
                let end = start + content_length(&text)?;
                if self.buffer.len() >= end {
                    return self.buffer.get(start..end).context("half an answer");
                }
            }
            ensure!(self.buffer.len() < MAX_ANSWER, "an endless answer");
            if timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await?? == 0 {
                bail!("the connection was closed");
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn content_length(head: &str) -> Result<usize> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("no content-length")?
        .1
        .trim()
        .parse()
        .context("a content-length that is no number")
}
