//! A way to a server on which answers can be held up: bytes go on as they come, and those of
//! the server wait while it is shut. So a server is slow for as long as a test wants.

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// As much is read at once.
const CHUNK: usize = 16 << 10;

/// It ends with the value, and its connections end with it.
pub struct Sluice {
    port: u16,
    open: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl Sluice ===

impl Sluice {
    /// Begins one to this port of the machine. It is open.
    ///
    /// # Errors
    /// No free port.
    pub async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (open, is_open) = watch::channel(true);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to, is_open.clone()));
            }
        });
        Ok(Self { port, open, task })
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on answers wait.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    /// They go on.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes both ways until one side ends.
async fn carry(client: TcpStream, to: u16, open: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // It ends with the first of the two, which is how connections end.
    let _ = tokio::join!(
        copy(from_client, to_server, None),
        copy(from_server, to_client, Some(open))
    );
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut open: Option<watch::Receiver<bool>>,
) -> Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        if let Some(open) = &mut open {
            open.wait_for(|open| *open).await?;
        }
        match chunk.get(..read) {
            Some(bytes) if read > 0 => to.write_all(bytes).await?,
            _ => return Ok(to.shutdown().await?),
        }
    }
}
