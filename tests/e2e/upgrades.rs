//! `exec`, `attach` and `port-forward` as clients open them: SPDY/3.1, and WebSocket in Kubernetes'
//! two versions and with the token as a sub-protocol. What is behind the handshake is a node's
//! and its client's; the gateway carries the bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_tests::raw::RawStream;
use cubegate_tests::run::unique;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::{Playground, cube, in_the_playground, kube};

const PATIENCE: Duration = Duration::from_secs(60);

/// What goes each way over every kind of connection, and over one of them.
const SMALL: usize = 300_000;
const LARGE: usize = 64 << 20;

const MAX_HEAD: usize = 64 << 10;

const SUBRESOURCES: [&str; 3] = [
    "exec?command=cat&stdin=true&stdout=true",
    "attach?stdin=true&stdout=true",
    "portforward?ports=80",
];

/// How a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Spdy,
    V4,
    V5,
    Bearer,
}

/// An API server that takes every upgrade but those that a path tells it to refuse, says which
/// bytes it got, and sends as many back.
struct Node {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 4] = [Self::Spdy, Self::V4, Self::V5, Self::Bearer];

    /// The headers of its handshake.
    fn lines(self, token: &str) -> String {
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let web_socket = |protocols: &str| {
            format!(
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocols}\r\n"
            )
        };
        match self {
            Self::Spdy => format!(
                "{authorization}Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nX-Stream-Protocol-Version: v3.channel.k8s.io\r\n"
            ),
            Self::V4 => authorization + &web_socket("v4.channel.k8s.io"),
            Self::V5 => authorization + &web_socket("v5.channel.k8s.io"),
            Self::Bearer => {
                let token = URL_SAFE_NO_PAD.encode(token);
                web_socket(&format!(
                    "base64url.bearer.authorization.k8s.io.{token}, v4.channel.k8s.io"
                ))
            }
        }
    }

    /// What the node has chosen of it.
    fn chosen(self) -> &'static str {
        match self {
            Self::Spdy => "x-stream-protocol-version: v4.channel.k8s.io",
            Self::V4 | Self::Bearer => "sec-websocket-protocol: v4.channel.k8s.io",
            Self::V5 => "sec-websocket-protocol: v5.channel.k8s.io",
        }
    }
}

// === impl Node ===

impl Node {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    // A client that is gone is no fault of the node's.
                    let _ = serve(stream, &seen).await;
                });
            }
        });
        Ok(Self {
            port,
            heads,
            server,
        })
    }

    /// The head of the request to this path, in lower case.
    fn head(&self, path: &str) -> Result<String> {
        let heads = self.heads.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
        let found = heads.iter().find(|head| head.contains(path));
        found.cloned().with_context(|| format!("no {path} came"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, heads: &Mutex<Vec<String>>) -> Result<()> {
    let head = read_head(&mut stream).await?.to_ascii_lowercase();
    if let Ok(mut heads) = heads.lock() {
        heads.push(head.clone());
    }
    let value = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix))
    };
    let Some(upgrade) = value("upgrade") else {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return Ok(stream.write_all(answer).await?);
    };
    if head.contains("refused") {
        let body = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"unable to upgrade: no such protocol","reason":"BadRequest","code":400}"#;
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        return Ok(stream.write_all(answer.as_bytes()).await?);
    }
    let chosen = match value("sec-websocket-protocol") {
        Some(protocols) => format!(
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: {protocols}"
        ),
        None => "X-Stream-Protocol-Version: v4.channel.k8s.io".to_owned(),
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n{chosen}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    // How much comes, the bytes, their digest back, and as many again.
    let length = usize::try_from(stream.read_u64().await?)?;
    let digest = digest_of(&mut stream, length).await?;
    stream.write_all(&digest).await?;
    stream.write_all(&pattern(length)).await?;
    // Its client ends it.
    let _ = stream.read_u8().await;
    Ok(())
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < MAX_HEAD, "a head without an end");
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn digest_of(stream: &mut (impl AsyncRead + Unpin), length: usize) -> Result<[u8; 32]> {
    let (mut digest, mut left) = (Sha256::new(), length);
    let mut buffer = vec![0; 64 << 10];
    while left > 0 {
        let part = left.min(buffer.len());
        let read = stream.read(&mut buffer[..part]).await?;
        ensure!(read > 0, "{left} of {length} bytes are missing");
        digest.update(&buffer[..read]);
        left -= read;
    }
    Ok(digest.finalize().into())
}

/// Bytes in which every value occurs, and no frame of any protocol; each block of them says which one it
/// is. Made block by block: byte by byte takes seconds, and these are not what is waited for.
fn pattern(length: usize) -> Vec<u8> {
    const BLOCK: usize = 64 << 10;
    let byte = |at: usize| u8::try_from((at ^ (at >> 8)) & 0xff).unwrap_or(0);
    let block: Vec<u8> = (0..BLOCK).map(byte).collect();
    let mut bytes = Vec::with_capacity(length + 2 * BLOCK);
    for number in 0..=length / BLOCK {
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&block);
    }
    bytes.truncate(length);
    bytes
}

/// Opens a connection, and returns the answer's head in lower case.
async fn open(
    playground: &Playground,
    path: &str,
    kind: Kind,
    token: &str,
) -> Result<(RawStream, String)> {
    let raw = playground.gateway.raw()?;
    let mut stream = raw.open().await?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n{}\r\n",
        raw.authority(),
        kind.lines(token)
    );
    // WebSocket's handshake is a GET (RFC 6455, 4.1).
    let request = match kind {
        Kind::Spdy => request,
        _ => request.replacen("POST ", "GET ", 1),
    };
    stream.write_all(request.as_bytes()).await?;
    let head = read_head(&mut stream).await?.to_ascii_lowercase();
    Ok((stream, head))
}

/// Sends and gets so many bytes over an open connection, at both ends the same.
async fn exchange(stream: &mut RawStream, length: usize) -> Result<()> {
    let bytes = pattern(length);
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    stream.write_u64(length as u64).await?;
    stream.write_all(&bytes).await?;
    let mut theirs = [0; 32];
    stream.read_exact(&mut theirs).await?;
    ensure!(theirs == digest, "other bytes came to the node");
    let back = digest_of(stream, length).await?;
    ensure!(back == digest, "other bytes came back");
    Ok(())
}

#[test]
fn every_kind_of_connection_carries_its_bytes_both_ways() -> Result<()> {
    in_the_playground(async |playground| {
        let node = Node::start().await?;
        let cluster = playground.cluster(node.port).await?;
        let token = playground.minter().token("admin")?;
        for family in [cube, kube] {
            for kind in Kind::ALL {
                for subresource in SUBRESOURCES {
                    let pod = format!("p-{}", unique());
                    let path = format!("/api/v1/namespaces/a/pods/{pod}/{subresource}");
                    let through = family(&cluster, &path);
                    let case = format!("{kind:?} {through}");
                    let work = async {
                        let (mut stream, head) = open(playground, &through, kind, &token).await?;
                        ensure!(head.starts_with("http/1.1 101"), "{head}");
                        ensure!(head.contains(kind.chosen()), "{head}");
                        exchange(&mut stream, SMALL).await
                    };
                    let work = tokio::time::timeout(PATIENCE, work).await;
                    work.with_context(|| case.clone())?
                        .with_context(|| case.clone())?;
                    // The token is the gateway's, and the protocols are the client's.
                    let head = node.head(&path)?;
                    ensure!(!head.contains("bearer"), "{case}: {head}");
                    ensure!(head.contains(kind.chosen()), "{case}: {head}");
                    ensure!(head.contains("impersonate-user: admin"), "{case}: {head}");
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_large_copy_has_the_same_digest_at_both_ends() -> Result<()> {
    in_the_playground(async |playground| {
        let node = Node::start().await?;
        let cluster = playground.cluster(node.port).await?;
        let token = playground.minter().token("admin")?;
        for kind in [Kind::Spdy, Kind::V5] {
            let path = kube(&cluster, "/api/v1/namespaces/a/pods/p/exec?command=tar");
            let work = async {
                let (mut stream, head) = open(playground, &path, kind, &token).await?;
                ensure!(head.starts_with("http/1.1 101"), "{head}");
                exchange(&mut stream, LARGE).await
            };
            tokio::time::timeout(PATIENCE, work)
                .await
                .with_context(|| format!("{kind:?}"))??;
        }
        Ok(())
    })
}

#[test]
fn a_refused_upgrade_is_a_failed_handshake_with_the_nodes_words() -> Result<()> {
    in_the_playground(async |playground| {
        let node = Node::start().await?;
        let cluster = playground.cluster(node.port).await?;
        let token = playground.minter().token("admin")?;
        for kind in Kind::ALL {
            for (pod, token, status, words) in [
                ("refused", token.as_str(), 400, "unable to upgrade"),
                ("p", "x.y.z", 401, ""),
            ] {
                let path = format!("/api/v1/namespaces/a/pods/{pod}/exec?command=sh");
                let path = kube(&cluster, &path);
                let work = async {
                    let (mut stream, head) = open(playground, &path, kind, token).await?;
                    ensure!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
                    ensure!(!head.contains("\r\nupgrade:"), "{head}");
                    let length = head
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: "))
                        .context("no length")?
                        .parse()?;
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).await?;
                    let body = String::from_utf8(body)?;
                    ensure!(
                        body.contains("\"kind\":\"Status\"") && body.contains(words),
                        "{body}"
                    );
                    Ok(())
                };
                tokio::time::timeout(PATIENCE, work)
                    .await
                    .with_context(|| format!("{kind:?} {status}"))?
                    .with_context(|| format!("{kind:?} {status}"))?;
            }
        }
        Ok(())
    })
}
