//! The Envoy of `cubegate up`: started, adopted, watched, replaced and stopped.
//!
//! ```text
//! Envoy ─┬─ process   child or adopted; noticed at once when it ends
//!        ├─ slot      where an Envoy has its place: one serves, one stands by
//!        ├─ backoff   how soon another one is started
//!        ├─ watchdog  asks the filter through the listener (probe), and judges
//!        ├─ logs      renamed when they are large
//!        └─ admin     ready? draining
//! ```
//!
//! Envoy outlives a control plane that is killed: it goes on serving with what it
//! has. The next `up` on the same data directory finds it by its recorded process
//! id, and keeps it when its bootstrap and its arguments are still the right ones.
//!
//! Most of the time until a new Envoy serves it compiles the filter, some seconds. So
//! another one stands by, which has done that already and has been told nothing yet
//! (`cubegate_xds::XdsServer::holding`); it takes over when the first one ends.

mod admin;
mod backoff;
mod logs;
mod paths;
mod probe;
mod process;
mod slot;
mod watchdog;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use tokio::sync::watch;
use tokio::time::sleep;

use self::admin::Admin;
use self::backoff::Backoff;
use self::logs::Logs;
use self::paths::{Paths, Running};
use self::probe::Probe;
pub(crate) use self::slot::{Place, Slot};
use self::watchdog::Watchdog;
use crate::data_dir::DataDir;

/// How long a new Envoy may take until the gateway answers.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often is looked whether it answers.
const POLL: Duration = Duration::from_millis(50);

/// How long what is under way may take when an Envoy without its filter is replaced.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long the Envoy that serves has been serving before another one stands by: it has
/// other things to do than to wait for a compiler.
const SETTLED: Duration = Duration::from_secs(2);

/// How the Envoys of this data directory are run.
pub(crate) struct EnvoyOptions {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Worker threads.
    pub(crate) concurrency: Option<u32>,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Whether they do so with TLS.
    pub(crate) tls: bool,
    /// Whether they do so behind load balancers that say for whom.
    pub(crate) proxy_protocol: bool,
    /// The bootstrap document of each place.
    pub(crate) bootstraps: Place<String>,
    /// Where the admin page of each place listens.
    pub(crate) admins: Place<SocketAddr>,
    /// Environment variables beside the inherited ones.
    pub(crate) environment: Vec<(String, String)>,
    /// Whether one stands by.
    pub(crate) standby: bool,
    /// The `node.cluster` that is told nothing yet.
    pub(crate) held: watch::Sender<Option<String>>,
    /// How long requests under way may take when Envoy is stopped.
    pub(crate) drain_time: Duration,
    /// A log of this size gets another name, in bytes.
    pub(crate) log_bytes: u64,
    /// How many files of each log there are.
    pub(crate) log_files: u32,
}

/// A running Envoy, and one that stands by.
pub(crate) struct Envoy {
    options: EnvoyOptions,
    paths: Paths,
    serving: Running,
    standby: Option<Running>,
    watchdog: Watchdog,
}

/// What has happened.
enum Event {
    Ended(String),
    Dead(String),
    StandbyEnded(String),
    StandbyDue,
}

/// Returns where an Envoy of `up` writes a line a request.
pub(crate) fn access_log(data: &DataDir) -> anyhow::Result<String> {
    let logs = Logs::new(&data.folder("envoy")?, 0, 0);
    Ok(logs.access.display().to_string())
}

/// Ends an Envoy that stood by for a control plane which was killed. Nobody may tell it
/// to serve before that.
pub(crate) async fn end_standby(data: &DataDir) -> anyhow::Result<()> {
    let paths = Paths::new(&data.folder("envoy")?, 0, 0);
    if let Some(Running { mut process, .. }) = paths.running(&paths.standby_pid) {
        process.stop().await;
    }
    let _ = fs::remove_file(&paths.standby_pid);
    Ok(())
}

// === impl Envoy ===

impl Envoy {
    /// Starts an Envoy, or adopts the one that an earlier control plane left.
    pub(crate) async fn start(data: &DataDir, options: EnvoyOptions) -> anyhow::Result<Self> {
        let folder = data.folder("envoy")?;
        let mut paths = Paths::new(&folder, options.log_bytes, options.log_files);
        let mut watchdog = Watchdog::new(Probe::new(
            options.listen,
            options.tls,
            options.proxy_protocol,
        )?);
        if let Some(running) = paths.running(&paths.pid) {
            if paths.is_right(&running, &options) {
                tracing::info!("Envoy still runs and is kept");
                watchdog.adopt();
                return Ok(Self {
                    options,
                    paths,
                    serving: running,
                    standby: None,
                    watchdog,
                });
            }
            tracing::info!("an Envoy of an earlier start is replaced");
            stop(running, &options, options.drain_time).await;
        }
        std::net::TcpListener::bind(options.listen).map(drop).map_err(|error| {
            anyhow!(
                "the gateway cannot listen on {}: {error}; stop what uses it or give another --listen",
                options.listen
            )
        })?;
        let serving = paths.spawn(&options, Slot::First)?;
        paths.serves(&serving)?;
        Ok(Self {
            options,
            paths,
            serving,
            standby: None,
            watchdog,
        })
    }

    /// Returns where the admin page of the Envoy that serves is.
    pub(crate) fn admin(&self) -> SocketAddr {
        *self.options.admins.of(self.serving.slot)
    }

    /// Waits until the gateway answers.
    pub(crate) async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        let admin = Admin(self.admin());
        loop {
            if let Some(how) = self.serving.process.has_ended()? {
                bail!(
                    "Envoy does not start ({how}): {}; the whole log is in {}",
                    self.paths.logs.last_complaint(),
                    self.paths.logs.envoy.display()
                );
            }
            if admin.is_ready().await
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
                    self.paths.logs.last_complaint(),
                    self.paths.logs.envoy.display()
                );
            }
            sleep(POLL).await;
        }
    }

    /// Watches Envoy: another one takes over from one that has ended by itself or has
    /// lost its filter. `moved` is called with the admin page of another one. Returns
    /// only with an error, when none can be started.
    pub(crate) async fn supervise(&mut self, moved: impl Fn(SocketAddr)) -> anyhow::Error {
        let mut backoff = Backoff::new();
        let mut standby_backoff = Backoff::new();
        let mut standby_due = Some(Instant::now() + SETTLED);
        loop {
            let due = standby_due.filter(|_| self.options.standby && self.standby.is_none());
            match self.event(due).await {
                Event::Ended(how) => {
                    tracing::error!(how, "Envoy has ended and another one takes over");
                    if let Err(error) = self.replace(&mut backoff).await {
                        return error;
                    }
                }
                Event::Dead(why) => {
                    tracing::error!(why, "Envoy is of no use any more and is replaced");
                    Admin(self.admin()).drain(LAST_WORDS).await;
                    self.serving.process.stop().await;
                    if let Err(error) = self.replace(&mut backoff).await {
                        return error;
                    }
                }
                Event::StandbyEnded(how) => {
                    let wait = standby_backoff.next(Instant::now());
                    tracing::warn!(how, "the Envoy that stood by has ended");
                    self.standby = None;
                    standby_due = Some(Instant::now() + wait);
                    continue;
                }
                Event::StandbyDue => {
                    if let Err(error) = self.stand_by() {
                        tracing::warn!(%error, "no Envoy stands by");
                        standby_due = Some(Instant::now() + standby_backoff.next(Instant::now()));
                    }
                    continue;
                }
            }
            moved(self.admin());
            standby_due = Some(Instant::now() + SETTLED);
        }
    }

    /// Has the Envoy that stands by serve, or a new one.
    async fn replace(&mut self, backoff: &mut Backoff) -> anyhow::Result<()> {
        let wait = backoff.next(Instant::now());
        if !wait.is_zero() {
            tracing::warn!(
                "that is in {} ms, since others were before it",
                wait.as_millis()
            );
            sleep(wait).await;
        }
        self.serving = match self.standby.take() {
            Some(standby) => standby,
            None => self.paths.spawn(&self.options, self.serving.slot)?,
        };
        self.options.held.send_replace(None);
        let _ = fs::remove_file(&self.paths.standby_pid);
        self.paths.serves(&self.serving)?;
        self.watchdog.begin(Instant::now());
        Ok(())
    }

    /// Starts one that stands by.
    fn stand_by(&mut self) -> anyhow::Result<()> {
        let slot = self.serving.slot.other();
        // Before it can ask.
        self.options
            .held
            .send_replace(Some(slot.node_cluster().to_owned()));
        let standby = self.paths.spawn(&self.options, slot)?;
        self.paths.stands_by(&standby)?;
        self.standby = Some(standby);
        Ok(())
    }

    /// Waits until something has to be done, and looks after the logs meanwhile.
    async fn event(&mut self, standby_due: Option<Instant>) -> Event {
        let Self {
            serving,
            standby,
            paths,
            watchdog,
            options: _,
        } = self;
        let mut bark = std::pin::pin!(watchdog.bark());
        loop {
            let due = standby_due.map(|due| due.saturating_duration_since(Instant::now()));
            tokio::select! {
                how = serving.process.ended() => return Event::Ended(how),
                why = &mut bark => return Event::Dead(why),
                how = ended(standby.as_mut()) => return Event::StandbyEnded(how),
                () = sleep(due.unwrap_or_default()), if due.is_some() => return Event::StandbyDue,
                () = sleep(logs::LOOK) => {
                    let moved = paths.logs.rotate_large();
                    serving.follow_logs(moved);
                    if let Some(standby) = standby {
                        standby.follow_logs(moved);
                    }
                }
            }
        }
    }

    /// Stops Envoy: what is under way may end, then it is asked, and killed when it
    /// takes too long.
    pub(crate) async fn stop(self) {
        let Self {
            serving,
            standby,
            paths,
            options,
            watchdog: _,
        } = self;
        let stop_standby = async {
            if let Some(mut standby) = standby {
                standby.process.stop().await;
            }
        };
        tokio::join!(stop(serving, &options, options.drain_time), stop_standby);
        let _ = fs::remove_file(paths.pid);
        let _ = fs::remove_file(paths.standby_pid);
    }
}

async fn stop(running: Running, options: &EnvoyOptions, drain_time: Duration) {
    let Running {
        slot, mut process, ..
    } = running;
    Admin(*options.admins.of(slot)).drain(drain_time).await;
    process.stop().await;
}

/// Waits until an Envoy has ended; for ever when there is none.
async fn ended(running: Option<&mut Running>) -> String {
    match running {
        Some(running) => running.process.ended().await,
        None => std::future::pending().await,
    }
}
