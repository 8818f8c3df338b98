//! A client of one kept-open HTTP/1.1 connection that costs next to nothing, so
//! that the cores are the server's.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer.
const MAX_ANSWER: usize = 64 * 1024;

/// One connection.
pub struct KeepAlive {
    stream: TcpStream,
    buffer: Vec<u8>,
}

// === impl KeepAlive ===

impl KeepAlive {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Nobody there.
    pub async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends the bytes of a request and gives the body of the answer.
    ///
    /// # Errors
    /// Anything but a 200 with a `content-length`.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        timeout(PATIENCE, self.stream.write_all(request)).await??;
        self.buffer.clear();
        loop {
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                let start = head + 4;
                let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
                ensure!(text.starts_with("HTTP/1.1 200 "), "refused: {text}");
                let end = start + content_length(&text)?;
                if self.buffer.len() >= end {
                    return self.buffer.get(start..end).context("half an answer");
                }
            }
            ensure!(self.buffer.len() < MAX_ANSWER, "an endless answer");
            if timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await?? == 0 {
                bail!("the connection was closed");
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn content_length(head: &str) -> Result<usize> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("no content-length")?
        .1
        .trim()
        .parse()
        .context("a content-length that is no number")
}
