//! The gateway's listener, spoken to as its clients do: for what the control plane asks
//! an Envoy itself.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Longest body that is read.
const MAX_BODY: usize = 16 << 10;

/// How a listener proves itself.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// Not at all: it speaks in clear.
    None,
    /// By whatever certificate. For questions that hold no secret.
    Any,
    /// By this certificate, which it has from us.
    Exactly(CertificateDer<'static>),
}

/// Connects to listeners of one kind.
#[derive(Clone)]
pub(crate) struct ListenerClient {
    tls: Option<TlsConnector>,
    proxy_protocol: bool,
}

/// A connection for one request.
pub(crate) struct Connection(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

// === impl ListenerClient ===

impl ListenerClient {
    /// The same for listeners that prove themselves so.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn proven_by(&self, proof: Proof) -> anyhow::Result<Self> {
        Self::new(proof, self.proxy_protocol)
    }

    /// `proxy_protocol`: whether it hears from load balancers who its clients are.
    ///
    /// # Errors
    /// Never with the cryptography that this binary has.
    pub(crate) fn new(proof: Proof, proxy_protocol: bool) -> anyhow::Result<Self> {
        let expected = match proof {
            Proof::None => {
                return Ok(Self {
                    tls: None,
                    proxy_protocol,
                });
            }
            Proof::Any => None,
            Proof::Exactly(certificate) => Some(certificate),
        };
        let config = cubegate_health::client_config(expected)?;
        Ok(Self {
            tls: Some(TlsConnector::from(Arc::new(config))),
            proxy_protocol,
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// Nobody there, or somebody else.
    pub(crate) async fn connect(&self, listener: SocketAddr) -> anyhow::Result<Connection> {
        let mut stream = TcpStream::connect(listener)
            .await
            .context("no connection")?;
        if self.proxy_protocol {
            // For nobody but whoever connects, as a load balancer checks on us.
            stream.write_all(b"PROXY UNKNOWN\r\n").await?;
        }
        Ok(Connection(match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::from(listener.ip());
                Box::new(tls.connect(name, stream).await.context("no TLS session")?)
            }
        }))
    }
}

// === impl Connection ===

impl Connection {
    /// Sends a request, and reads the answer. Of a body that is longer than any of ours
    /// nothing is returned.
    ///
    /// # Errors
    /// A connection that breaks off.
    pub(crate) async fn send(
        self,
        request: Request<Empty<Bytes>>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.0)).await?;
        // It ends with this call, however that ends.
        let mut connection = std::pin::pin!(connection);
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
            let body = body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            Ok::<_, anyhow::Error>((status, body))
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            // Its end is told to whoever waits for the answer.
            _ = &mut connection => answer.await,
        }
    }

    /// Sends a request, and returns the answer as it begins: its body is read by whoever
    /// takes it, for as long as they do.
    ///
    /// # Errors
    /// A connection that breaks off.
    pub(crate) async fn open(
        self,
        request: Request<axum::body::Body>,
    ) -> anyhow::Result<Response<axum::body::Body>> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.0)).await?;
        // It ends when the body is read, or dropped.
        tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        Ok(answer.map(axum::body::Body::new))
    }
}
