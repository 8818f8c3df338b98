//! The process ChromeDriver.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use crate::run::Run;
use crate::until::until;

/// Longest time until it listens.
const START: Duration = Duration::from_secs(20);
/// What it says then, before the port.
const STARTED: &str = "started successfully on port ";

/// A running ChromeDriver. It ends with the value, and with it every Chromium that it started.
pub(super) struct Driver {
    url: String,
    dir: PathBuf,
    group: Pid,
    _process: Child,
}

// === impl Driver ===

impl Driver {
    pub(super) async fn start(program: &Path) -> Result<Self> {
        let run = Run::current()?;
        let dir = run.folder("browser")?;
        run.guard_browser(&dir)?;
        let said = dir.join("chromedriver.out");
        let out = File::create(&said)?;
        let mut process = Command::new(program)
            .arg("--port=0")
            // The reaper knows it by this. With more it would write down every password.
            .arg(format!(
                "--log-path={}",
                dir.join("chromedriver.log").display()
            ))
            .arg("--log-level=WARNING")
            // Chromium neither reads nor writes what its user has.
            .env("HOME", &dir)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            // Every Chromium stays in this group, also when the driver is gone.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let group = process
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?))
            .context("ChromeDriver ended at once")?;
        let port = until("ChromeDriver listens", START, || {
            let ended = process.try_wait();
            let said = &said;
            async move {
                if let Some(status) = ended? {
                    bail!("it ended: {status}");
                }
                Ok(port(&fs::read_to_string(said)?))
            }
        })
        .await;
        // From here on it is ended whatever happens.
        let mut driver = Self {
            url: String::new(),
            dir,
            group,
            _process: process,
        };
        let port = port.with_context(|| fs::read_to_string(&said).unwrap_or_default())?;
        driver.url = format!("http://127.0.0.1:{port}/");
        Ok(driver)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Profiles lie here.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = kill_process_group(self.group, Signal::KILL);
    }
}

/// The port in what it says.
fn port(said: &str) -> Option<u16> {
    let (_, port) = said.split_once(STARTED)?;
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    // A line that is not whole yet has no end.
    port.contains('\n').then(|| digits.parse().ok())?
}
