//! An answer that is read line by line as it comes.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::Instant;

/// An answer whose body is still coming.
pub struct Stream {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    held: Vec<u8>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(response: http::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            held: Vec::new(),
        }
    }

    /// The next line without its end; `None` when the answer is at its end.
    ///
    /// # Errors
    /// A body that breaks off, or no line in time.
    pub async fn line(&mut self, within: Duration) -> Result<Option<String>> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            let frame = tokio::time::timeout_at(deadline, self.body.frame())
                .await
                .map_err(|_| anyhow!("no line came within {within:?}"))?;
            match frame {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.context("the answer broke off")?;
                    if let Some(data) = frame.data_ref() {
                        self.held.extend_from_slice(data);
                    }
                }
            }
        }
    }

    /// Reads on until these words have come, and gives all that has come until then.
    ///
    /// # Errors
    /// A body that ends or breaks off before, or takes longer.
    pub async fn words(&mut self, words: &str, within: Duration) -> Result<String> {
        let deadline = Instant::now() + within;
        loop {
            let text = String::from_utf8_lossy(&self.held);
            if text.contains(words) {
                return Ok(text.into_owned());
            }
            let frame = tokio::time::timeout_at(deadline, self.body.frame())
                .await
                .map_err(|_| anyhow!("{words:?} did not come within {within:?}"))?;
            let frame = frame
                .with_context(|| format!("the answer ends without {words:?}"))?
                .context("the answer broke off")?;
            if let Some(data) = frame.data_ref() {
                self.held.extend_from_slice(data);
            }
        }
    }

    /// Reads to the end, keeping nothing, and gives the number of bytes.
    ///
    /// # Errors
    /// A body that breaks off, or no end in time.
    pub async fn drain(mut self, within: Duration) -> Result<u64> {
        let read = async {
            let mut bytes = self.held.len() as u64;
            while let Some(frame) = self.body.frame().await {
                let frame = frame.context("the answer broke off")?;
                bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Ok(bytes)
        };
        tokio::time::timeout(within, read)
            .await
            .map_err(|_| anyhow!("no end came within {within:?}"))?
    }

    /// The next line as a watch event.
    ///
    /// # Errors
    /// No line in time, the end of the answer, or a line that is no JSON.
    pub async fn event(&mut self, within: Duration) -> Result<Value> {
        let line = self.line(within).await?.context("the watch ended")?;
        serde_json::from_str(&line).with_context(|| format!("no watch event: {line}"))
    }
}
