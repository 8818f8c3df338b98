//! An upstream that speaks HTTP/2 in frames, for what no server library does at will:
//! refusing a stream, or ending a connection with requests on it (GOAWAY).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::{kubeconfig, tls};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const REFUSED_STREAM: u32 = 7;

/// SETTINGS_INITIAL_WINDOW_SIZE, and what a client may send ahead, in bytes.
const INITIAL_WINDOW_SIZE: u16 = 4;
const WINDOW: u32 = 16 << 20;

/// `:status: 200` in HPACK's static table.
const STATUS_200: &[u8] = &[0x88];

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// 200 and `{}`.
    Answered,
    /// Its stream is reset with REFUSED_STREAM: it was not looked at.
    Refused,
    /// The connection ends, and the last stream that it had is an earlier one.
    LeftBehind,
}

/// A running upstream. It ends with the value.
pub struct Http2Frames {
    address: SocketAddr,
    certificate: String,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// What happens to the next requests, the last one first; all others are answered.
    next: Vec<Fate>,
    seen: Vec<Fate>,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

// === impl Http2Frames ===

impl Http2Frames {
    /// Starts one that answers every request.
    ///
    /// # Errors
    /// No free port, no certificate.
    pub async fn start() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let of_server = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&of_server)));
            }
        });
        Ok(Self {
            address,
            certificate: made.cert.pem(),
            shared,
            server,
        })
    }

    /// What becomes of the next request; those behind it are answered.
    ///
    /// # Errors
    /// Never.
    pub fn next(&self, fate: Fate) -> Result<()> {
        let mut shared = lock(&self.shared)?;
        shared.next.push(fate);
        shared.seen.clear();
        Ok(())
    }

    /// What became of the requests since then, in their order.
    ///
    /// # Errors
    /// Never.
    pub fn seen(&self) -> Result<Vec<Fate>> {
        Ok(lock(&self.shared)?.seen.clone())
    }

    /// Writes a kubeconfig that leads to it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn kubeconfig(&self, dir: &Path, name: &str) -> Result<PathBuf> {
        let server = format!("https://{}", self.address);
        kubeconfig::write(dir, name, &server, Some(&self.certificate))
    }
}

impl Drop for Http2Frames {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> Result<std::sync::MutexGuard<'_, Shared>> {
    shared
        .lock()
        .map_err(|_| anyhow!("the upstream's memory is broken"))
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, shared: Arc<Mutex<Shared>>) -> Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut preface = vec![0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    ensure!(preface == PREFACE, "no HTTP/2");
    let mut settings = Vec::from(INITIAL_WINDOW_SIZE.to_be_bytes());
    settings.extend(WINDOW.to_be_bytes());
    write(&mut stream, SETTINGS, 0, 0, &settings).await?;
    write(&mut stream, WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes()).await?;
    let mut last_good = 0;
    loop {
        let frame = read(&mut stream).await?;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => write(&mut stream, SETTINGS, ACK, 0, &[]).await?,
            PING if frame.flags & ACK == 0 => {
                write(&mut stream, PING, ACK, 0, &frame.payload).await?;
            }
            HEADERS | DATA if frame.flags & END_STREAM != 0 => {
                let fate = {
                    let mut shared = lock(&shared)?;
                    let fate = shared.next.pop().unwrap_or(Fate::Answered);
                    shared.seen.push(fate);
                    fate
                };
                match fate {
                    Fate::Answered => {
                        last_good = frame.stream;
                        write(&mut stream, HEADERS, END_HEADERS, frame.stream, STATUS_200).await?;
                        write(&mut stream, DATA, END_STREAM, frame.stream, b"{}").await?;
                    }
                    Fate::Refused => {
                        let code = REFUSED_STREAM.to_be_bytes();
                        write(&mut stream, RST_STREAM, 0, frame.stream, &code).await?;
                    }
                    Fate::LeftBehind => {
                        let mut payload = Vec::from(u32::to_be_bytes(last_good));
                        payload.extend(0_u32.to_be_bytes());
                        write(&mut stream, GOAWAY, 0, 0, &payload).await?;
                        stream.shutdown().await?;
                        return Ok(());
                    }
                }
            }
            _ => {}
        }
    }
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Result<Frame> {
    // 24 bits of length, 8 of kind.
    let begin = stream.read_u32().await?;
    let (length, kind) = (begin >> 8, u8::try_from(begin & 0xff)?);
    let flags = stream.read_u8().await?;
    let id = stream.read_u32().await?;
    let mut payload = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut payload).await?;
    Ok(Frame {
        kind,
        flags,
        stream: id,
        payload,
    })
}

async fn write(
    stream: &mut TlsStream<TcpStream>,
    kind: u8,
    flags: u8,
    id: u32,
    payload: &[u8],
) -> Result<()> {
    let length = u32::try_from(payload.len()).context("a frame that is too long")?;
    let mut bytes: Vec<u8> = length.to_be_bytes().into_iter().skip(1).collect();
    bytes.extend([kind, flags]);
    bytes.extend(id.to_be_bytes());
    bytes.extend_from_slice(payload);
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    Ok(())
}
