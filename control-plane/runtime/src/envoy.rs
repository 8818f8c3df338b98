//! The Envoy of `cubegate up`: started, adopted, watched and stopped.
//!
//! Envoy outlives a control plane that is killed: it goes on serving with what it
//! has. The next `up` on the same data directory finds it by its recorded process
//! id, and keeps it when its bootstrap is still the right one.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::data_dir::{DataDir, write_file};

/// How long a new Envoy may take until the gateway answers.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an Envoy may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a process that is not our child is looked at.
const POLL: Duration = Duration::from_millis(200);

/// How the Envoy of this data directory is run.
pub(crate) struct EnvoyOptions {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Worker threads.
    pub(crate) concurrency: Option<u32>,
    /// The bootstrap document.
    pub(crate) bootstrap: String,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where the admin page listens.
    pub(crate) admin: SocketAddr,
    /// Environment variables beside the inherited ones.
    pub(crate) environment: Vec<(String, String)>,
}

/// A running Envoy.
pub(crate) struct Envoy {
    options: EnvoyOptions,
    paths: Paths,
    process: Process,
}

struct Paths {
    bootstrap: PathBuf,
    pid: PathBuf,
    log: PathBuf,
}

enum Process {
    Child(Child),
    /// Started by an earlier control plane.
    Adopted(Pid),
}

// === impl Envoy ===

impl Envoy {
    /// Starts an Envoy, or adopts the one that an earlier control plane left.
    pub(crate) async fn start(data: &DataDir, options: EnvoyOptions) -> anyhow::Result<Self> {
        let folder = data.folder("envoy")?;
        let paths = Paths {
            bootstrap: folder.join("bootstrap.yaml"),
            pid: folder.join("envoy.pid"),
            log: folder.join("envoy.log"),
        };
        if let Some(pid) = paths.running() {
            let same = fs::read_to_string(&paths.bootstrap).is_ok_and(|y| y == options.bootstrap);
            // The environment carries the HS256 secret, which a running process
            // keeps as it was.
            if same && has_environment(pid, &options.environment) {
                tracing::info!(
                    envoy.pid = pid.as_raw_nonzero().get(),
                    "Envoy still runs and is kept"
                );
                return Ok(Self {
                    options,
                    paths,
                    process: Process::Adopted(pid),
                });
            }
            tracing::info!("an Envoy of an earlier start is replaced");
            stop_process(pid).await;
        }
        std::net::TcpListener::bind(options.listen).map(drop).map_err(|error| {
            anyhow!(
                "the gateway cannot listen on {}: {error}; stop what uses it or give another --listen",
                options.listen
            )
        })?;
        write_file(&paths.bootstrap, options.bootstrap.as_bytes(), 0o600)?;
        let process = Process::Child(paths.spawn(&options)?);
        Ok(Self {
            options,
            paths,
            process,
        })
    }

    /// Waits until the gateway answers.
    pub(crate) async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            if let Some(how) = self.exited().await? {
                bail!(
                    "Envoy does not start ({how}): {}; the whole log is in {}",
                    last_complaint(&self.paths.log),
                    self.paths.log.display()
                );
            }
            if admin_is_ready(self.options.admin).await
                && tokio::net::TcpStream::connect(self.options.listen)
                    .await
                    .is_ok()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "Envoy does not serve {} after {} s: {}; the whole log is in {}",
                    self.options.listen,
                    READY_TIMEOUT.as_secs(),
                    last_complaint(&self.paths.log),
                    self.paths.log.display()
                );
            }
            sleep(POLL).await;
        }
    }

    /// Waits until Envoy has ended by itself, and starts it again. Returns only
    /// with an error, when it cannot be started.
    pub(crate) async fn supervise(&mut self) -> anyhow::Error {
        loop {
            match &mut self.process {
                Process::Child(child) => {
                    let how = child.wait().await;
                    tracing::error!(?how, "Envoy has ended and is started again");
                }
                Process::Adopted(pid) => {
                    while is_alive(*pid) {
                        sleep(POLL).await;
                    }
                    tracing::error!("Envoy has ended and is started again");
                }
            }
            // Not in a tight loop when it ends at once.
            sleep(Duration::from_secs(1)).await;
            match self.paths.spawn(&self.options) {
                Ok(child) => self.process = Process::Child(child),
                Err(error) => return error,
            }
        }
    }

    /// Stops Envoy: it is asked first, and killed when it takes too long.
    pub(crate) async fn stop(self) {
        let Self {
            process,
            paths,
            options: _,
        } = self;
        match process {
            Process::Child(mut child) => {
                if let Some(pid) = child.id().and_then(pid_from) {
                    let _ = kill_process(pid, Signal::TERM);
                }
                if tokio::time::timeout(STOP_TIMEOUT, child.wait())
                    .await
                    .is_err()
                {
                    let _ = child.kill().await;
                }
            }
            Process::Adopted(pid) => stop_process(pid).await,
        }
        let _ = fs::remove_file(paths.pid);
    }

    /// How Envoy ended, if it has.
    async fn exited(&mut self) -> anyhow::Result<Option<String>> {
        Ok(match &mut self.process {
            Process::Child(child) => child.try_wait()?.map(|status| status.to_string()),
            Process::Adopted(pid) => (!is_alive(*pid)).then(|| "it has ended".to_owned()),
        })
    }
}

// === impl Paths ===

impl Paths {
    /// The recorded Envoy, if it is still the process that was recorded.
    fn running(&self) -> Option<Pid> {
        let pid: u32 = fs::read_to_string(&self.pid).ok()?.trim().parse().ok()?;
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let ours = command_line
            .split(|byte| *byte == 0)
            .any(|argument| argument == self.bootstrap.as_os_str().as_encoded_bytes());
        ours.then(|| pid_from(pid)).flatten()
    }

    fn spawn(&self, options: &EnvoyOptions) -> anyhow::Result<Child> {
        let log = File::create(&self.log)
            .with_context(|| format!("{} cannot be written", self.log.display()))?;
        let mut command = Command::new(&options.binary);
        command
            .arg("--config-path")
            .arg(&self.bootstrap)
            // One Envoy per data directory; no shared memory with other ones.
            .arg("--disable-hot-restart")
            .args(["--log-level", "info"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A Ctrl-C on the terminal is for the control plane, which stops Envoy.
            .process_group(0)
            // Passwords that are the control plane's alone.
            .env_remove("CUBEGATE_DATABASE_URL")
            .env_remove("PGPASSWORD")
            .env_remove("CUBEGATE_ADMIN_PASSWORD")
            .kill_on_drop(false);
        if let Some(concurrency) = options.concurrency {
            command.arg("--concurrency").arg(concurrency.to_string());
        }
        for (name, value) in &options.environment {
            command.env(name, value);
        }
        let child = command.spawn().map_err(|error| {
            anyhow!(
                "Envoy cannot be started from {}: {error}; give its path with --envoy",
                options.binary.display()
            )
        })?;
        if let Some(pid) = child.id() {
            write_file(&self.pid, format!("{pid}\n").as_bytes(), 0o644)?;
        }
        Ok(child)
    }
}

async fn stop_process(pid: Pid) {
    let _ = kill_process(pid, Signal::TERM);
    let deadline = Instant::now() + STOP_TIMEOUT;
    while is_alive(pid) {
        if Instant::now() > deadline {
            let _ = kill_process(pid, Signal::KILL);
        }
        sleep(POLL).await;
    }
}

fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
}

/// Whether a process was started with these variables.
fn has_environment(pid: Pid, wanted: &[(String, String)]) -> bool {
    let path = format!("/proc/{}/environ", pid.as_raw_nonzero());
    let environment = fs::read(path).unwrap_or_default();
    wanted.iter().all(|(name, value)| {
        let entry = format!("{name}={value}");
        environment
            .split(|byte| *byte == 0)
            .any(|have| have == entry.as_bytes())
    })
}

fn pid_from(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Asks Envoy's admin page whether it is ready to serve.
async fn admin_is_ready(admin: SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(admin).await?;
        stream
            .write_all(b"GET /ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    tokio::time::timeout(Duration::from_secs(1), ask)
        .await
        .is_ok_and(|answer| answer.is_ok_and(|bytes| bytes.starts_with(b"HTTP/1.1 200")))
}

/// The last line of Envoy's log that tells of trouble.
fn last_complaint(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let complaint = |line: &&str| line.contains("[critical]") || line.contains("[error]");
    text.lines()
        .rev()
        .find(complaint)
        .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))
        .unwrap_or("it has logged nothing")
        .trim()
        .to_owned()
}
