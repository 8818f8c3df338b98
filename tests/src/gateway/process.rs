//! The process `cubegate up`, its start, its death and its end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Mutex as StdMutex;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::sync::Mutex;

use super::{ADMIN_PASSWORD, Endpoints, Options};
use crate::cli::Site;
use crate::run::Run;
use crate::until::until;

/// Longest time until a gateway answers; a module is compiled in it.
const START: Duration = Duration::from_secs(60);
/// Longest time until a gateway that was asked to stop is gone.
const STOP: Duration = Duration::from_secs(20);

pub(super) struct Process {
    arguments: Vec<String>,
    log: PathBuf,
    pid_file: PathBuf,
    child: Mutex<Option<Child>>,
}

/// A port that is free, and that no other test of this run is given. They lie
/// below those of `apiserver.sh` and those that the kernel serves.
///
/// # Errors
/// When none is found.
pub fn free_port() -> Result<u16> {
    static GIVEN: StdMutex<BTreeSet<u16>> = StdMutex::new(BTreeSet::new());
    let mut given = GIVEN
        .lock()
        .map_err(|_| anyhow!("the list of ports is broken"))?;
    for _ in 0..1000 {
        let [low, high, ..] = *uuid::Uuid::new_v4().as_bytes();
        let port = 10_000 + u16::from_le_bytes([low, high]) % 10_000;
        if given.insert(port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found")
}

// === impl Process ===

impl Process {
    pub(super) fn new(site: &Site, options: &Options) -> Result<Self> {
        let artifacts = site.artifacts();
        let path = |path: &PathBuf| path.display().to_string();
        let mut arguments: Vec<String> = vec![
            "up".to_owned(),
            "--listen".to_owned(),
            format!("127.0.0.1:{}", options.listen.map_or_else(free_port, Ok)?),
            "--data-dir".to_owned(),
            site.data_dir().display().to_string(),
            "--envoy".to_owned(),
            path(options.envoy.as_ref().unwrap_or(&artifacts.envoy)),
            "--filter".to_owned(),
            path(&artifacts.filter),
            "--admin-password".to_owned(),
            ADMIN_PASSWORD.to_owned(),
        ];
        arguments.extend(["--envoy-standby".to_owned(), options.standby.to_string()]);
        if options.plain {
            arguments.push("--plain".to_owned());
        }
        if let Some(secret) = &options.hs256_secret {
            arguments.extend(["--jwt-hs256-secret".to_owned(), secret.clone()]);
        }
        arguments.extend(options.flags.iter().cloned());
        Ok(Self {
            arguments,
            log: site.dir().join("up.log"),
            pid_file: site.dir().join("up.pid"),
            child: Mutex::new(None),
        })
    }

    /// Starts the process and waits until it says where it can be reached.
    pub(super) async fn up(&self, site: &Site) -> Result<Endpoints> {
        let mut running = self.child.lock().await;
        ensure!(running.is_none(), "it runs already");
        Run::current()?.guard_gateway(site.dir())?;
        let file = site.data_dir().join("endpoints.json");
        // The file of an earlier start tells the next one its ports, so it stays.
        let earlier = written(&file);
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut child = site
            .command(&self.arguments)
            .stdout(log.try_clone()?)
            .stderr(log)
            // Asked to stop, and ended by the reaper if need be.
            .kill_on_drop(false)
            .spawn()
            .with_context(|| format!("{} cannot be started", site.artifacts().binary.display()))?;
        fs::write(
            &self.pid_file,
            format!("{}\n", child.id().unwrap_or_default()),
        )?;

        let endpoints = until("the gateway is ready", START, || {
            let ended = child.try_wait();
            let (file, earlier) = (&file, &earlier);
            async move {
                if let Some(status) = ended? {
                    bail!("it ended: {status}");
                }
                if written(file) == *earlier {
                    return Ok(None);
                }
                let text = fs::read(file).unwrap_or_default();
                Ok(serde_json::from_slice(&text).ok())
            }
        })
        .await
        .with_context(|| self.last_words());
        match endpoints {
            Ok(endpoints) => {
                *running = Some(child);
                Ok(endpoints)
            }
            Err(error) => {
                let _ = child.start_kill();
                Err(error)
            }
        }
    }

    pub(super) async fn kill(&self) -> Result<()> {
        let mut child = self.child.lock().await.take().context("it does not run")?;
        child.kill().await?;
        Ok(())
    }

    pub(super) async fn stop(&self) -> Result<()> {
        let mut child = self.child.lock().await.take().context("it does not run")?;
        terminate(&child)?;
        let status: ExitStatus = tokio::time::timeout(STOP, child.wait())
            .await
            .map_err(|_| anyhow!("not gone {STOP:?} after SIGTERM"))??;
        ensure!(
            status.success(),
            "stopped with {status}: {}",
            self.last_words()
        );
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default();
        format!("{} ends with:\n{}", self.log.display(), last.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A gateway of one test need not live as long as the run.
        if let Some(child) = self.child.get_mut() {
            let _ = terminate(child);
        }
    }
}

/// Which writing of a file this is.
fn written(file: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.ino(), metadata.modified().ok()?))
}

fn terminate(child: &Child) -> Result<()> {
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(id.cast_signed()))
        .context("it has ended")?;
    kill_process(pid, Signal::TERM)?;
    Ok(())
}
