//! An API server as far as TLS is concerned: it proves itself with a key of any kind, asks
//! who comes, tells its version over HTTP/1.1 and HTTP/2, and takes upgrades.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::run::unique;
use crate::{kubeconfig, tls};

const VERSION: &str = r#"{"major":"1","minor":"20","gitVersion":"v1.20.4","gitCommit":"c","gitTreeState":"clean","buildDate":"d","goVersion":"g","compiler":"gc","platform":"linux/amd64"}"#;

/// The bearer token that it takes.
const TOKEN: &str = "good";

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA of 2,048 bits.
    Rsa,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

/// What a client shows.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A bearer token.
    Token,
    /// A certificate and its key, both PEM.
    Certificate(String, String),
}

/// How a server is.
pub struct Settings {
    /// The kind of its key.
    pub key: KeyKind,
    /// The versions of TLS that it speaks.
    pub versions: &'static [&'static SupportedProtocolVersion],
    /// Where it listens; port 0 is a free one.
    pub listen: SocketAddr,
    /// What its key may be used for; empty is everything.
    pub usages: Vec<KeyUsagePurpose>,
    /// Whose requests it breaks off.
    pub breaks_off: fn(&HeaderMap) -> bool,
}

/// A running server. It ends with the value.
pub struct TlsUpstream {
    address: SocketAddr,
    certificate: String,
    clients: Arc<Issuer<'static, KeyPair>>,
    server: JoinHandle<()>,
}

/// A request that is broken off.
#[derive(Debug)]
struct BreaksOff;

// === impl KeyKind ===

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rsa, Self::P256, Self::P384, Self::Ed25519];

    /// A new key.
    ///
    /// # Errors
    /// No `openssl`, which makes those of RSA.
    pub async fn generate(self) -> Result<KeyPair> {
        Ok(match self {
            Self::Rsa => {
                let pkcs8 = [
                    "genpkey",
                    "-algorithm",
                    "RSA",
                    "-pkeyopt",
                    "rsa_keygen_bits:2048",
                ];
                KeyPair::from_pem(&openssl(&pkcs8).await?)?
            }
            Self::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            Self::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?,
            Self::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519)?,
        })
    }
}

/// What `openssl` prints.
///
/// # Errors
/// A command that fails.
pub async fn openssl(arguments: &[&str]) -> Result<String> {
    let made = Command::new("openssl").args(arguments).output().await;
    let made = made.context("openssl")?;
    ensure!(made.status.success(), "openssl {arguments:?}: {made:?}");
    Ok(String::from_utf8(made.stdout)?)
}

// === impl Settings ===

impl Settings {
    /// With a key of this kind, on a free port, and as servers are.
    pub fn new(key: KeyKind) -> Self {
        Self {
            key,
            versions: rustls::ALL_VERSIONS,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            usages: Vec::new(),
            breaks_off: |_| false,
        }
    }
}

// === impl TlsUpstream ===

impl TlsUpstream {
    /// Starts one, for the names `localhost`, 127.0.0.1 and ::1.
    ///
    /// # Errors
    /// No free port, a certificate that cannot be made.
    pub async fn start(settings: Settings) -> Result<Self> {
        let Settings {
            key,
            versions,
            listen,
            usages,
            breaks_off,
        } = settings;
        let key = key.generate().await?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names)?;
        params.key_usages = usages;
        let made = params.self_signed(&key)?;
        let (ca, issuer) = client_ca()?;
        let mut roots = RootCertStore::empty();
        roots.add(ca)?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider())
            .allow_unauthenticated()
            .build()?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![made.der().clone()], private)
            .context("the server's certificate")?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, breaks_off));
            }
        });
        Ok(Self {
            address,
            certificate: made.pem(),
            clients: Arc::new(issuer),
            server,
        })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a client with a certificate of this key shows it.
    ///
    /// # Errors
    /// A certificate that cannot be made.
    pub fn client(&self, key: &KeyPair) -> Result<Shown> {
        let made = CertificateParams::new(Vec::new())?.signed_by(key, &self.clients)?;
        Ok(Shown::Certificate(made.pem(), key.serialize_pem()))
    }

    /// A kubeconfig that leads to it under this host name.
    pub fn document(&self, host: &str, shown: &Shown) -> Value {
        let server = format!("https://{host}:{}", self.port());
        let mut document = kubeconfig::document(&server, Some(&self.certificate));
        let user = match shown {
            Shown::Token => json!({ "token": TOKEN }),
            Shown::Certificate(certificate, key) => json!({
                "client-certificate-data": STANDARD.encode(certificate),
                "client-key-data": STANDARD.encode(key),
            }),
        };
        if let Some(place) = document.pointer_mut("/users/0/user") {
            *place = user;
        }
        document
    }

    /// Writes that to a file of this folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn kubeconfig(&self, dir: &Path, host: &str, shown: &Shown) -> Result<PathBuf> {
        let path = dir.join(format!("{}.kubeconfig", unique()));
        std::fs::write(&path, self.document(host, shown).to_string())?;
        Ok(path)
    }
}

impl Drop for TlsUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl std::fmt::Display for BreaksOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the test says so")
    }
}

impl std::error::Error for BreaksOff {}

/// Who signs its clients' certificates.
fn client_ca() -> Result<(CertificateDer<'static>, Issuer<'static, KeyPair>)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, unique());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let certificate = params.self_signed(&key)?.der().clone();
    Ok((certificate, Issuer::new(params, key)))
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    breaks_off: fn(&HeaderMap) -> bool,
) -> Result<()> {
    let stream = acceptor.accept(stream).await?;
    let is_certified = stream.get_ref().1.peer_certificates().is_some();
    let service = service_fn(move |request: Request<Incoming>| async move {
        if breaks_off(request.headers()) {
            return Err(BreaksOff);
        }
        Ok(answer(&request, is_certified))
    });
    let served = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        bail!("{error}");
    }
    Ok(())
}

fn answer(request: &Request<Incoming>, is_certified: bool) -> Response<Full<Bytes>> {
    let bearer = request.headers().get(header::AUTHORIZATION);
    let is_known =
        is_certified || bearer.is_some_and(|bearer| bearer == format!("Bearer {TOKEN}").as_str());
    let (status, body) = match request.uri().path() {
        _ if !is_known => (StatusCode::UNAUTHORIZED, "{}"),
        _ if request.headers().contains_key(header::UPGRADE) => {
            (StatusCode::SWITCHING_PROTOCOLS, "")
        }
        "/version" => (StatusCode::OK, VERSION),
        _ => (StatusCode::NOT_FOUND, "{}"),
    };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    if let Some(protocol) = request.headers().get(header::UPGRADE)
        && status == StatusCode::SWITCHING_PROTOCOLS
    {
        headers.insert(header::UPGRADE, protocol.clone());
        headers.insert(
            header::CONNECTION,
            header::HeaderValue::from_static("upgrade"),
        );
    } else {
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/json"),
        );
    }
    answer
}
