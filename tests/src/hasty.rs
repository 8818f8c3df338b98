//! An upstream over HTTP/1.1 that keeps connections as API servers do, and closes each
//! at the worst moment: as its second request arrives, without an answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A running upstream. It ends with the value.
pub struct Hasty {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

// === impl Hasty ===

impl Hasty {
    /// Starts one.
    ///
    /// # Errors
    /// No free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let of_server = Arc::clone(&seen);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&of_server)));
            }
        });
        Ok(Self {
            address,
            seen,
            server,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How often a request came whose first line holds this.
    ///
    /// # Errors
    /// Never.
    pub fn times(&self, part: &str) -> Result<usize> {
        let seen = self
            .seen
            .lock()
            .map_err(|_| anyhow!("the upstream's memory is broken"))?;
        Ok(seen.iter().filter(|line| line.contains(part)).count())
    }
}

impl Drop for Hasty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> Result<()> {
    for number in 0.. {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&head);
        let line = text.lines().next().unwrap_or_default().to_owned();
        seen.lock()
            .map_err(|_| anyhow!("the upstream's memory is broken"))?
            .push(line);
        if number > 0 {
            return Ok(());
        }
        stream.write_all(ANSWER).await?;
    }
    Ok(())
}
