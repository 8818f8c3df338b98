//! One test process: its threads, its folder, and who cleans up after it.

use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context as _, Result, anyhow};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::artifacts::{root, target};

/// Held by a reaper as long as it lives.
const REAPER_LOCK: &str = "reaper.lock";

/// The folder of this test process and the line to its reaper.
///
/// It lies in `target/tmp/e2e/<process id>` and stays there until the next run,
/// so that the logs of a failed test can be read.
pub struct Run {
    dir: PathBuf,
    reaper: Mutex<ChildStdin>,
}

/// Something that all tests share: made by whoever needs it first. When it
/// cannot be made, every test that needs it says why.
pub struct Shared<T>(OnceCell<Result<T, String>>);

/// Runs a test on the threads that all tests share, so that what one test
/// started (a server, a pooled connection) is of use to the next.
///
/// # Errors
/// The test's own, or that the threads could not be started.
pub fn block_on<T>(test: impl Future<Output = Result<T>>) -> Result<T> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(4)
                .enable_all()
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| anyhow!("the test threads could not be started: {error}"))?
        .block_on(test)
}

// === impl Run ===

impl Run {
    /// The run of this process.
    ///
    /// # Errors
    /// A folder that cannot be made, or a reaper that cannot be started.
    pub fn current() -> Result<&'static Self> {
        static RUN: OnceLock<Result<Run, String>> = OnceLock::new();
        RUN.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    fn start() -> Result<Self> {
        let runs = target().join("tmp/e2e");
        remove_ended_runs(&runs);
        let dir = runs.join(std::process::id().to_string());
        fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        let log = fs::File::create(dir.join("reaper.log"))?;
        let mut reaper = Command::new("bash")
            .args(["-c", include_str!("reaper.sh"), "reaper"])
            .arg(root().join("deploy/local/apiserver.sh"))
            .arg(dir.join(REAPER_LOCK))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Out of reach of what ends the tests: an interrupt at the terminal,
            // a signal to their process group.
            .process_group(0)
            .spawn()
            .context("bash cannot be started")?;
        let stdin = reaper.stdin.take().context("the reaper has no stdin")?;
        Ok(Self {
            dir,
            reaper: Mutex::new(stdin),
        })
    }

    /// The folder of this run.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new folder whose name begins with `name`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(format!("{name}-{}", unique()));
        fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(path)
    }

    /// The gateway of this folder is to be ended with the run.
    ///
    /// # Errors
    /// When the reaper is gone.
    pub fn guard_gateway(&self, dir: &Path) -> Result<()> {
        self.tell("gateway", dir)
    }

    /// The API server of this folder is to be ended with the run.
    ///
    /// # Errors
    /// When the reaper is gone.
    pub fn guard_api_server(&self, dir: &Path) -> Result<()> {
        self.tell("apiserver", dir)
    }

    /// The ChromeDriver that writes into this folder, and every Chromium whose profile lies in
    /// it, are to be ended with the run.
    ///
    /// # Errors
    /// When the reaper is gone.
    pub fn guard_browser(&self, dir: &Path) -> Result<()> {
        self.tell("browser", dir)
    }

    fn tell(&self, what: &str, dir: &Path) -> Result<()> {
        let mut reaper = self
            .reaper
            .lock()
            .map_err(|_| anyhow!("the reaper's line is broken"))?;
        writeln!(reaper, "{what} {}", dir.display()).context("the reaper is gone")
    }
}

/// Eight characters that nobody else has.
pub fn unique() -> String {
    uuid::Uuid::new_v4()
        .simple()
        .to_string()
        .chars()
        .take(8)
        .collect()
}

/// The folders of runs that are over.
fn remove_ended_runs(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_running = Path::new("/proc").join(&name).exists();
        if !is_running && !is_locked(&entry.path().join(REAPER_LOCK)) {
            // Another run may be at it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a reaper is still at work; it needs what is in the folder.
fn is_locked(lock: &Path) -> bool {
    fs::File::open(lock).is_ok_and(|lock| lock.try_lock().is_err())
}

// === impl Shared ===

impl<T> Shared<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(OnceCell::const_new())
    }

    /// The thing; `make` is run by the first caller alone.
    ///
    /// # Errors
    /// Why it could not be made, for every caller.
    pub async fn get(&self, make: impl Future<Output = Result<T>>) -> Result<&T> {
        self.0
            .get_or_init(|| async { make.await.map_err(|error| format!("{error:#}")) })
            .await
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}
