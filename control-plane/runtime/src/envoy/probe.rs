//! Asks the gateway's filter, through the listener that clients use, whether it lives.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cubegate_filter_config::FILTER_LIVENESS_PATH;
use cubegate_snapshot::NO_FILTER;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long an answer may take. A worker that is busy is not dead.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest body that is read.
const MAX_BODY: usize = 4 << 10;

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The filter has answered.
    Alive,
    /// Envoy has answered, and not by its filter.
    Dead(String),
    /// Nothing has answered, or Envoy has said that it has too much to do.
    Silent(String),
}

/// Asks again and again; each time on a connection of its own, which any of Envoy's
/// workers may get.
pub(super) struct Probe {
    listen: SocketAddr,
    tls: Option<TlsConnector>,
    proxy_protocol: bool,
}

// === impl Probe ===

impl Probe {
    /// # Errors
    /// Never with the cryptography that this binary has.
    pub(super) fn new(listen: SocketAddr, tls: bool, proxy_protocol: bool) -> anyhow::Result<Self> {
        let connector = || -> anyhow::Result<TlsConnector> {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth();
            Ok(TlsConnector::from(Arc::new(config)))
        };
        Ok(Self {
            listen,
            tls: tls.then(connector).transpose()?,
            proxy_protocol,
        })
    }

    /// Asks once.
    pub(super) async fn ask(&self) -> Seen {
        match timeout(TIMEOUT, self.answer()).await {
            Ok(Ok((status, body))) => judge(status, &body),
            Ok(Err(error)) => Seen::Silent(format!("{error:#}")),
            Err(_) => Seen::Silent(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn answer(&self) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut stream = TcpStream::connect(self.listen)
            .await
            .context("no connection")?;
        if self.proxy_protocol {
            // For nobody but whoever connects, as a load balancer checks on us.
            stream.write_all(b"PROXY UNKNOWN\r\n").await?;
        }
        match &self.tls {
            None => ask_on(stream).await,
            Some(tls) => {
                let name = ServerName::from(self.listen.ip());
                let stream = tls.connect(name, stream).await.context("no TLS session")?;
                ask_on(stream).await
            }
        }
    }
}

/// What an answer says about the filter.
fn judge(status: StatusCode, body: &[u8]) -> Seen {
    let says_so = String::from_utf8_lossy(body).contains(NO_FILTER);
    match status {
        StatusCode::OK => Seen::Alive,
        // Envoy sheds load, or the filter waits for its configuration.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS if !says_so => {
            Seen::Silent(format!("it answers {status}"))
        }
        status => Seen::Dead(format!("it answers {status}")),
    }
}

async fn ask_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(FILTER_LIVENESS_PATH)
        .header(header::HOST, "localhost")
        .header(header::USER_AGENT, "cubegate-up")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
        // What is longer is none of ours.
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        Ok::<_, anyhow::Error>((status, body))
    };
    let answer = answer.await;
    connection.abort();
    answer
}

/// Takes any certificate. Nothing secret is asked, and whose name the operator's
/// certificate is for is the clients' business; what matters is the answer.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

// === impl AnyCertificate ===

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_envoy_that_answers_without_its_filter_is_dead() {
        let told = format!("{{\"code\":503,\"message\":\"{NO_FILTER}\"}}");
        for (status, body, dead) in [
            (200, "ok", None),
            (503, told.as_str(), Some(true)),
            (503, "overloaded", Some(false)),
            (429, "", Some(false)),
            (404, "", Some(true)),
            (502, "", Some(true)),
        ] {
            let seen = judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            let found = match seen {
                Seen::Alive => None,
                Seen::Dead(_) => Some(true),
                Seen::Silent(_) => Some(false),
            };
            assert_eq!(found, dead, "{status} {body}");
        }
    }
}
