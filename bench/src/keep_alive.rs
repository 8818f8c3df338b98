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
const CONTROL_PLANE: &str = "cubegate-xds";

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How an answer in chunks ends.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// Longest answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Whom to connect to.
#[derive(Clone)]
pub struct Server {
    address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

/// One connection.
pub struct KeepAlive {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

// === impl Server ===

impl Server {
    /// The control plane of this gateway, spoken to as its Envoy speaks to it.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn control_plane(gateway: &Gateway) -> Result<Self> {
        let endpoints = gateway.endpoints();
        let ca = read_pem(&endpoints.control_plane_ca)?;
        let config = client_config(&ca, Some(&gateway.envoy_identity()?))?;
        Ok(Self {
            address: authority(&endpoints.control_plane)?.to_owned(),
            name: ServerName::try_from(CONTROL_PLANE)?,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// A listener with a certificate of this CA for its address.
    ///
    /// # Errors
    /// A URL or a CA that is none.
    pub fn listener(base: &str, ca: &[u8]) -> Result<Self> {
        let address = authority(base)?.to_owned();
        let (host, _) = address.rsplit_once(':').context("no port")?;
        Ok(Self {
            name: ServerName::try_from(host.to_owned())?,
            tls: TlsConnector::from(Arc::new(client_config(ca, None)?)),
            address,
        })
    }
}

// === impl KeepAlive ===

impl KeepAlive {
    /// Connects to it.
    ///
    /// # Errors
    /// Nobody there.
    pub async fn connect(server: &Server) -> Result<Self> {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let stream = server.tls.connect(server.name.clone(), stream).await?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends the bytes of a request and gives the body of the answer.
    ///
    /// # Errors
    /// Anything but a 200 with a `content-length`, or in chunks, which are given as they are.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        timeout(PATIENCE, self.stream.write_all(request)).await??;
        self.buffer.clear();
        loop {
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                let start = head + 4;
                let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
                ensure!(text.starts_with("HTTP/1.1 200 "), "refused: {text}");
                let end = match content_length(&text)? {
                    Some(length) => start + length,
                    None if self.buffer.ends_with(LAST_CHUNK) => self.buffer.len(),
                    None => usize::MAX,
                };
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

/// `None` for an answer in chunks.
fn content_length(head: &str) -> Result<Option<usize>> {
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        Some(value.trim())
    };
    match field("content-length") {
        Some(length) => length
            .parse()
            .map(Some)
            .context("a content-length that is no number"),
        None => {
            ensure!(field("transfer-encoding") == Some("chunked"), "no length");
            Ok(None)
        }
    }
}

/// Returns host and port.
fn authority(base: &str) -> Result<&str> {
    base.strip_prefix("https://").context("no https URL")
}
