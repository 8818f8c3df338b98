//! An upstream that does what it is told, byte by byte, right or wrong.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the upstream does after it has read a request's head. At the end of
/// the script it closes the connection. `GET /version` is answered as it should
/// be, whatever the script is: that is how a test waits until a new cluster is known.
/// What the gateway asks to learn which resources there are gets a 404.
pub type Script = Vec<Step>;

/// One thing that it does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes so many times.
    SendTimes(Vec<u8>, usize),
    /// Does nothing for so long.
    Wait(Duration),
    /// Does nothing more until the other side goes away.
    Stall,
    /// Closes with a TCP reset.
    Reset,
}

const VERSION: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// A running upstream. It ends with the value.
pub struct Scripted {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

/// A well-formed list of ConfigMaps with these names.
pub fn list(names: &[&str]) -> String {
    let items: Vec<String> = names.iter().map(|name| item(name)).collect();
    format!(
        r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"7"}},"items":[{}]}}"#,
        items.join(",")
    )
}

/// One item of it.
pub fn item(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"demo"}},"data":{{"a":"b"}}}}"#)
}

/// Its first half.
pub fn half(body: &str) -> &str {
    body.split_at(body.len() / 2).0
}

/// All of it but the last `bytes`.
pub fn without_last(body: &str, bytes: usize) -> &str {
    body.split_at(body.len().saturating_sub(bytes)).0
}

/// `Send` of text.
pub fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}

/// The head of a 200 with these headers beside the content type. It says that
/// the connection ends, as it does: a request that came after it would be lost.
pub fn head(headers: &[&str]) -> Step {
    let mut text =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n".to_owned();
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    send(text)
}

/// A whole answer with this body.
pub fn whole(body: &str) -> Script {
    vec![
        head(&[&format!("Content-Length: {}", body.len())]),
        send(body),
    ]
}

/// One chunk of a chunked body.
pub fn chunk(body: impl AsRef<[u8]>) -> Step {
    let body = body.as_ref();
    let mut bytes = format!("{:x}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n");
    Step::Send(bytes)
}

// === impl Scripted ===

impl Scripted {
    /// Starts one that does the same on every request.
    ///
    /// # Errors
    /// No free port.
    pub async fn start(script: Script) -> Result<Self> {
        Self::answering(move |_| script.clone()).await
    }

    /// Starts one that does what `choose` says for the head of a request.
    ///
    /// # Errors
    /// No free port.
    pub async fn answering(
        choose: impl Fn(&str) -> Script + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::answering_at(Ipv4Addr::LOCALHOST, choose).await
    }

    /// The same on another address of this machine.
    ///
    /// # Errors
    /// No free port.
    pub async fn answering_at(
        address: Ipv4Addr,
        choose: impl Fn(&str) -> Script + Send + Sync + 'static,
    ) -> Result<Self> {
        let choose = Arc::new(choose);
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&choose), Arc::clone(&seen)));
            }
        });
        Ok(Self {
            address,
            heads,
            server,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of the requests that it got, as they came.
    ///
    /// # Errors
    /// Never.
    pub fn heads(&self) -> Result<Vec<String>> {
        Ok(self
            .heads
            .lock()
            .map_err(|_| anyhow!("the upstream's memory is broken"))?
            .clone())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One connection serves one request.
async fn serve(
    mut stream: TcpStream,
    choose: Arc<impl Fn(&str) -> Script>,
    heads: Arc<Mutex<Vec<String>>>,
) -> Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    if head.starts_with(b"GET /version") {
        stream.write_all(VERSION).await?;
        return Ok(());
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if text
        .to_ascii_lowercase()
        .contains("\r\nuser-agent: cubegate-discovery/")
    {
        stream.write_all(NOT_FOUND).await?;
        return Ok(());
    }
    let script = choose(&text);
    heads
        .lock()
        .map_err(|_| anyhow!("the upstream's memory is broken"))?
        .push(text);
    for step in script {
        match step {
            Step::Send(bytes) => stream.write_all(&bytes).await?,
            Step::SendTimes(bytes, times) => {
                for _ in 0..times {
                    stream.write_all(&bytes).await?;
                }
            }
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Stall => {
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await? > 0 {}
            }
            Step::Reset => {
                stream.set_zero_linger()?;
                return Ok(());
            }
        }
    }
    stream.shutdown().await?;
    Ok(())
}
