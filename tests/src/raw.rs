//! Requests as bytes, for what no client library sends.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::PATIENCE;
use crate::tls;

/// An HTTP/1.1 server, spoken to in bytes.
#[derive(Debug, Clone)]
pub struct RawServer {
    authority: String,
    /// The CA, when it speaks TLS.
    ca: Option<Vec<u8>>,
}

/// A connection whose bytes a test writes and reads itself.
pub type RawStream = Pin<Box<dyn Io>>;

/// What such a connection can do.
pub trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// A connection that is read piece by piece.
pub struct Conversation {
    stream: RawStream,
    /// What was read and not yet asked for.
    read: Vec<u8>,
}

/// What came back, as bytes.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    /// Everything behind the headers, chunk marks included.
    pub body: String,
}

// === impl RawServer ===

impl RawServer {
    /// The server of a URL.
    ///
    /// # Errors
    /// Something else than `http://host:port` or `https://host:port`.
    pub fn new(base: &str, ca: Option<Vec<u8>>) -> Result<Self> {
        let (scheme, authority) = base.split_once("://").context("no URL")?;
        let ca = if scheme == "https" {
            Some(ca.context("https without a CA")?)
        } else {
            None
        };
        Ok(Self {
            authority: authority.trim_end_matches('/').to_owned(),
            ca,
        })
    }

    /// `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A GET with these header lines, which may hold any bytes; `Host` and
    /// `Connection: close` are added. A line that names `Connection` is joined
    /// by its own `close`.
    ///
    /// # Errors
    /// No connection, or no answer in time.
    pub async fn get(&self, path: &str, lines: &[&[u8]]) -> Result<RawAnswer> {
        let mut request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.authority).into_bytes();
        for line in lines {
            request.extend_from_slice(line);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"Connection: close\r\n\r\n");
        self.exchange(&request).await
    }

    /// A connection, past the TLS handshake.
    ///
    /// # Errors
    /// No connection.
    pub async fn open(&self) -> Result<RawStream> {
        let stream = TcpStream::connect(&self.authority).await?;
        let Some(ca) = &self.ca else {
            return Ok(Box::pin(stream));
        };
        let host = self
            .authority
            .rsplit_once(':')
            .map_or("", |(host, _)| host)
            .to_owned();
        let mut config = tls::client_config(ca, None)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(host)?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Box::pin(connector.connect(name, stream).await?))
    }

    /// Sends these bytes and gives the connection.
    ///
    /// # Errors
    /// No connection.
    pub async fn begin(&self, request: &[u8]) -> Result<Conversation> {
        let mut stream = self.open().await?;
        stream.write_all(request).await?;
        Ok(Conversation {
            stream,
            read: Vec::new(),
        })
    }

    /// Sends these bytes and reads until the server closes.
    ///
    /// # Errors
    /// No connection, or no answer in time.
    pub async fn exchange(&self, request: &[u8]) -> Result<RawAnswer> {
        let exchange = async { speak(self.open().await?, request).await };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| anyhow!("no answer within {PATIENCE:?}: it hangs"))?
    }
}

// === impl Conversation ===

impl Conversation {
    /// Reads until this has come, and gives all that came up to its end.
    ///
    /// # Errors
    /// The connection's end, or nothing of it in time.
    pub async fn until(&mut self, what: &str, within: Duration) -> Result<String> {
        let read = async {
            loop {
                let found = self
                    .read
                    .windows(what.len())
                    .position(|window| window == what.as_bytes());
                if let Some(at) = found {
                    let came: Vec<u8> = self.read.drain(..at + what.len()).collect();
                    return Ok(String::from_utf8_lossy(&came).into_owned());
                }
                if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                    let came = String::from_utf8_lossy(&self.read);
                    bail!("the connection ended before {what:?} came: {came:?}");
                }
            }
        };
        tokio::time::timeout(within, read)
            .await
            .map_err(|_| anyhow!("{what:?} has not come within {within:?}"))?
    }

    /// Waits until the other side has ended the connection, in whatever way.
    ///
    /// # Errors
    /// One that goes on.
    pub async fn end(mut self, within: Duration) -> Result<()> {
        let read = async {
            while self.stream.read_buf(&mut self.read).await.unwrap_or(0) > 0 {
                self.read.clear();
            }
        };
        tokio::time::timeout(within, read)
            .await
            .map_err(|_| anyhow!("the connection goes on after {within:?}"))
    }
}

async fn speak(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> Result<RawAnswer> {
    // A server that refuses may close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(size) => bytes.extend_from_slice(chunk.get(..size).unwrap_or_default()),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| text.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("no HTTP answer: {text:?}"))?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok(RawAnswer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
