//! An upstream that speaks HTTP/2 over TLS, for what HTTP/1.1 cannot do:
//! trailers behind a body, and one stream that breaks off on a connection that
//! goes on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::stream;
use http::{HeaderMap, HeaderValue};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::{kubeconfig, tls};

/// How every answer ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// With the last byte of the body.
    Body,
    /// With trailers.
    Trailers,
    /// With RST_STREAM.
    Reset,
}

/// A running upstream. It ends with the value.
pub struct Http2Upstream {
    address: SocketAddr,
    certificate: String,
    server: JoinHandle<()>,
}

/// What a server proves itself with.
pub struct Certificate {
    /// The certificate, PEM.
    pub pem: String,
    /// It and those that signed it.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key, PKCS #8.
    pub key: Vec<u8>,
}

/// A stream that breaks off.
#[derive(Debug)]
struct BreaksOff;

// === impl Http2Upstream ===

impl Http2Upstream {
    /// Starts one that answers 200 with these pieces of JSON and this end.
    ///
    /// # Errors
    /// No free port, no certificate.
    pub async fn start<P: Into<Bytes>>(
        pieces: impl IntoIterator<Item = P>,
        end: End,
    ) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let certificate = Certificate {
            pem: made.cert.pem(),
            chain: vec![made.cert.der().clone()],
            key: made.signing_key.serialize_der(),
        };
        Self::proven_by(certificate, rustls::ALL_VERSIONS, pieces, end).await
    }

    /// The same with a certificate of the caller's, on these versions of TLS.
    ///
    /// # Errors
    /// No free port, a certificate that cannot be used.
    pub async fn proven_by<P: Into<Bytes>>(
        certificate: Certificate,
        versions: &[&'static SupportedProtocolVersion],
        pieces: impl IntoIterator<Item = P>,
        end: End,
    ) -> Result<Self> {
        let Certificate { pem, chain, key } = certificate;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the server's certificate")?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let pieces: Arc<[Bytes]> = pieces.into_iter().map(Into::into).collect();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&pieces), end));
            }
        });
        Ok(Self {
            address,
            certificate: pem,
            server,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate, PEM, which is its own CA.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Writes a kubeconfig that leads to it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn kubeconfig(&self, dir: &Path, name: &str) -> Result<PathBuf> {
        kubeconfig::write(
            dir,
            name,
            &format!("https://{}", self.address),
            Some(&self.certificate),
        )
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl std::fmt::Display for BreaksOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script says so")
    }
}

impl std::error::Error for BreaksOff {}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    pieces: Arc<[Bytes]>,
    end: End,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(move |_| {
        let body = StreamBody::new(stream::iter(frames(&pieces, end)));
        let mut response = http::Response::new(body);
        response.headers_mut().insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        async move { Ok::<_, Infallible>(response) }
    });
    http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

fn frames(pieces: &[Bytes], end: End) -> Vec<Result<Frame<Bytes>, BreaksOff>> {
    let mut frames: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(Frame::data(piece.clone())))
        .collect();
    match end {
        End::Body => {}
        End::Trailers => {
            let trailers = HeaderMap::from_iter([(
                http::header::HeaderName::from_static("x-checksum"),
                HeaderValue::from_static("1"),
            )]);
            frames.push(Ok(Frame::trailers(trailers)));
        }
        End::Reset => frames.push(Err(BreaksOff)),
    }
    frames
}
