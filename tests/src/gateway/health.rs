//! Whether Envoy and its filter got through what the tests did to them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::Endpoints;
use crate::cli::Site;
use crate::client::Client;
use crate::envoy;

/// The Envoy of a gateway as it was at the start.
pub struct Health {
    pid_file: PathBuf,
    pid: u32,
    admin: Client,
}

// === impl Health ===

impl Health {
    pub(super) fn now(site: &Site, endpoints: &Endpoints) -> Result<Self> {
        let pid_file = site.data_dir().join("envoy/envoy.pid");
        let pid = read_pid(&pid_file)?;
        Ok(Self {
            pid_file,
            pid,
            admin: Client::plain(&endpoints.envoy_admin)?,
        })
    }

    /// Envoy's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Checks that it is the same Envoy, alive, and that no worker lost its VM.
    ///
    /// # Errors
    /// What happened instead.
    pub async fn check(&self) -> Result<()> {
        ensure!(self.is_alive(), "Envoy (process {}) died", self.pid);
        let pid = read_pid(&self.pid_file)?;
        ensure!(
            pid == self.pid,
            "Envoy was process {} and is process {pid} now",
            self.pid
        );
        for (name, value) in self.stats("vm_reload").await? {
            ensure!(value == 0, "a worker lost its VM: {name} is {value}");
        }
        // The counters of reloads come into being with the first one, that of
        // running VMs with the filter: it says that we look at the right Envoy.
        let running = self.stats("wasm.*active").await?;
        ensure!(
            running.iter().any(|(_, value)| *value > 0),
            "no filter runs: {running:?}"
        );
        Ok(())
    }

    /// The counters and gauges whose name matches.
    ///
    /// # Errors
    /// An Envoy that does not answer.
    pub async fn stats(&self, filter: &str) -> Result<Vec<(String, u64)>> {
        envoy::stats(&self.admin, filter).await
    }

    /// The memory that Envoy has in use, in bytes.
    ///
    /// # Errors
    /// An Envoy that is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        envoy::resident_bytes(self.pid)
    }

    /// Whether the process is there, and not as a zombie.
    pub fn is_alive(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/status", self.pid))
            .is_ok_and(|status| !status.contains("State:\tZ"))
    }
}

fn read_pid(file: &PathBuf) -> Result<u32> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("Envoy's process id is not in {}", file.display()))?;
    Ok(text.trim().parse()?)
}
