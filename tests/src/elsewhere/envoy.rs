//! What is asked of an Envoy that runs elsewhere.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::{Elsewhere, stop};

// === impl Elsewhere ===

impl Elsewhere {
    /// The folder with its certificate.
    pub fn certs(&self) -> &PathBuf {
        &self.certs
    }

    /// Its log.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Where its metrics are read.
    pub fn metrics(&self) -> &str {
        &self.metrics
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// A process that is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.process.id().map(u32::cast_signed);
        let pid = pid.and_then(Pid::from_raw).context("Envoy has ended")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Kills it.
    ///
    /// # Errors
    /// A process that cannot be ended.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Lets it end its connections with the requests that are under way; its listener closes
    /// after the drain time.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn drain(&self) -> Result<()> {
        let drain = self.admin.post("/drain_listeners?graceful&skip_exit");
        drain.send().await?.expect(200).map(drop)
    }

    /// Asks it to stop (SIGTERM), and waits for its end.
    ///
    /// # Errors
    /// One that does not end.
    pub async fn stop(&mut self) -> Result<()> {
        stop(&mut self.process).await
    }

    /// How many connections of clients there are; none when its listener is closed.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn connections(&self, listen: u16) -> Result<u64> {
        let name = format!("listener.127.0.0.1_{listen}.downstream_cx_active");
        let path = format!("/stats?filter=^{name}$");
        let text = self.admin.get(&path).send().await?.expect(200)?.text();
        match text.trim().rsplit_once(": ") {
            Some((_, value)) => Ok(value.parse()?),
            None => Ok(0),
        }
    }

    /// Whether it serves.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(self.admin.get("/ready").send().await?.status == 200)
    }

    /// Whether it has an Envoy cluster of this name.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn has_cluster(&self, name: &str) -> Result<bool> {
        let text = self
            .admin
            .get("/clusters")
            .send()
            .await?
            .expect(200)?
            .text();
        Ok(text
            .lines()
            .any(|line| line.starts_with(&format!("{name}::"))))
    }

    /// A counter or gauge.
    ///
    /// # Errors
    /// An admin page that does not answer, or one without it.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        let path = format!("/stats?filter=^{name}$");
        let text = self.admin.get(&path).send().await?.expect(200)?.text();
        let value = text.trim().rsplit_once(": ").context("no such counter")?.1;
        Ok(value.parse()?)
    }
}
