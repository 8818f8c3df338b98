//! An Envoy of the benchmarks' own: a static configuration, no control plane.

pub mod config;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cubegate_tests::{Artifacts, Client, Run, until};
use tokio::process::{Child, Command};

pub use config::Config;

/// As many as the published figures have; more than one, as in production.
pub const WORKERS: usize = 2;
/// A module is compiled in it.
const START: Duration = Duration::from_secs(60);

/// A running Envoy. It ends with the value, and at the latest with the run.
pub struct Envoy {
    child: Child,
    pid: u32,
    dir: PathBuf,
    bases: BTreeMap<&'static str, String>,
}

// === impl Envoy ===

impl Envoy {
    /// Starts one on what `configure` makes of its folder, and waits until its
    /// listeners serve.
    ///
    /// # Errors
    /// One that does not come up, with what it said.
    pub async fn start(
        name: &str,
        configure: impl FnOnce(&Path) -> Result<Config>,
    ) -> Result<Self> {
        let artifacts = Artifacts::find()?;
        let run = Run::current()?;
        let dir = run.folder(name)?;
        let Config {
            document,
            admin,
            bases,
        } = configure(&dir)?;
        let file = dir.join("envoy.json");
        fs::write(&file, serde_json::to_vec_pretty(&document)?)?;
        let log = fs::File::create(dir.join("envoy.log"))?;
        // The reaper ends what `up.pid` names, should we be killed.
        run.guard_gateway(&dir)?;
        let child = Command::new(&artifacts.envoy)
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", &WORKERS.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", artifacts.envoy.display()))?;
        let pid = child.id().context("Envoy ended at once")?;
        fs::write(dir.join("up.pid"), format!("{pid}\n"))?;
        let mut envoy = Self {
            child,
            pid,
            dir,
            bases,
        };
        envoy.wait(&admin).await?;
        Ok(envoy)
    }

    async fn wait(&mut self, admin: &str) -> Result<()> {
        let client = Client::plain(admin)?;
        let child = &mut self.child;
        let ready = until("Envoy is ready", START, || {
            let ended = child.try_wait();
            let client = &client;
            async move {
                if let Some(status) = ended? {
                    bail!("it ended: {status}");
                }
                // Nobody listens yet.
                let Ok(answer) = client.get("/ready").send().await else {
                    return Ok(None);
                };
                Ok((answer.status == 200).then_some(()))
            }
        });
        ready.await.with_context(|| {
            let log = self.dir.join("envoy.log");
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("{} says:\n{said}", log.display())
        })
    }

    /// The URL of a listener.
    ///
    /// # Errors
    /// A listener that the configuration does not have.
    pub fn base(&self, listener: &str) -> Result<String> {
        let base = self.bases.get(listener);
        base.cloned()
            .with_context(|| format!("no listener {listener}"))
    }

    /// The memory that it has in use, in bytes.
    ///
    /// # Errors
    /// An Envoy that is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it had in use since [`reset_peak`](Self::reset_peak), in bytes.
    ///
    /// # Errors
    /// An Envoy that is gone.
    pub fn peak_bytes(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// Lets the kernel begin anew with the peak (`clear_refs`, see proc(5)).
    ///
    /// # Errors
    /// A kernel without it.
    pub fn reset_peak(&self) -> Result<()> {
        let path = format!("/proc/{}/clear_refs", self.pid);
        fs::write(&path, "5").with_context(|| format!("{path} cannot be written"))
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.pid)).context("Envoy is gone")?;
        let kibibytes: u64 = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|rest| rest.split_whitespace().next())
            .with_context(|| format!("no {field}"))?
            .parse()?;
        Ok(kibibytes << 10)
    }
}
