//! The task of one cluster.

use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_member::{Discoverer, Look, Marks, ProbeError};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{self, Instant};

use super::course::{Course, Failure, Step};
use super::nudges::{Met, Nudge, Rate};
use super::tables::{Table, Tables};

/// How many clusters are read at the same time.
static READINGS: Semaphore = Semaphore::const_new(32);

/// How many are asked one small question at the same time.
static LOOKS: Semaphore = Semaphore::const_new(512);

/// How many that did not answer the last time: apart, since each may take its whole time again.
static LOOKS_AT_FAILING: Semaphore = Semaphore::const_new(512);

/// What a task needs besides its cluster.
pub(super) struct Around {
    pub(super) interval: Duration,
    pub(super) readings: mpsc::Sender<Reading>,
    pub(super) tables: Arc<Tables>,
    /// What it had before, if that is known.
    pub(super) table: Option<Arc<Table>>,
    pub(super) nudge: Arc<Nudge>,
}

/// What a look at a cluster has found.
pub(super) struct Reading {
    /// The cluster's name.
    pub(super) cluster: String,
    /// Which task it is from.
    pub(super) generation: u64,
    /// What the cluster has, or one sentence why it is not known now.
    pub(super) outcome: Result<Arc<Table>, String>,
    /// Whether it gives no answer at all, and has given none before.
    pub(super) is_unreachable: bool,
    /// How long its answer took, if it gave one.
    pub(super) latency: Option<Duration>,
    /// Its version, if it was asked for and told.
    pub(super) version: Option<String>,
}

/// What is known of the cluster.
struct Member {
    discoverer: Discoverer,
    tables: Arc<Tables>,
    name: String,
    course: Course,
    table: Option<Arc<Table>>,
    marks: Marks,
}

/// What is told of a step besides what the cluster has.
#[derive(Default)]
struct Told {
    latency: Option<Duration>,
    version: Option<String>,
    /// Whether it has something else than before.
    changed: bool,
}

/// Looks at a cluster at once and then every interval, for as long as somebody listens. All is
/// read only when there is a reason.
pub(super) async fn run(cluster: Arc<Cluster>, generation: u64, around: Around) {
    let name = cluster.name.to_string();
    let member = Discoverer::new(&cluster).map(|discoverer| Member {
        discoverer,
        tables: Arc::clone(&around.tables),
        name: name.clone(),
        course: Course::new(),
        table: around.table,
        marks: Marks::default(),
    });
    // The credential is in the client now.
    drop(cluster);
    let mut member = member.map_err(|error| Failure {
        reason: error.to_string(),
        answered: true,
    });
    let mut rate = Rate::new();
    let mut is_nudged = false;
    // Clusters that were begun with together shall not stay in step.
    let mut jitter = rand::random_range(0.1..1.0);
    loop {
        let mut told = Told::default();
        let outcome = match &mut member {
            Ok(member) => member.step(&mut told).await,
            Err(failure) => Err(failure.clone()),
        };
        if is_nudged {
            rate.looked(told.changed || outcome.is_err());
        }
        let pause = match &member {
            Ok(member) => member
                .course
                .pause(around.interval, outcome.as_ref().err(), jitter),
            // It can only become another one.
            Err(_) => around.interval.mul_f64(jitter),
        };
        let is_unreachable = member
            .as_ref()
            .is_ok_and(|member| member.course.is_unreachable());
        let reading = Reading {
            cluster: name.clone(),
            generation,
            is_unreachable,
            outcome: outcome.map_err(|failure| failure.reason),
            latency: told.latency,
            version: told.version,
        };
        if around.readings.send(reading).await.is_err() {
            return;
        }
        is_nudged = wait(pause, &around.nudge, &rate).await;
        if is_nudged
            && around.nudge.take() == Some(Met::UnknownResource)
            && let Ok(member) = &mut member
        {
            member.course.read_next();
        }
        jitter = rand::random_range(0.9..1.1);
    }
}

/// Waits until the next step is due; returns whether there is another reason for it.
async fn wait(pause: Duration, nudge: &Nudge, rate: &Rate) -> bool {
    let due = Instant::now() + pause;
    let nudged = async {
        nudge.told().await;
        time::sleep_until(rate.next()).await;
    };
    tokio::select! {
        () = nudged => true,
        () = time::sleep_until(due) => false,
    }
}

// === impl Member ===

impl Member {
    async fn step(&mut self, told: &mut Told) -> Result<Arc<Table>, Failure> {
        let done = self.look(told).await;
        if let Err(failure) = &done {
            self.course.failed(&self.name, failure);
        }
        done
    }

    /// Looks whether the server is there and takes the credential, and reads what it has only if
    /// that may be something else.
    async fn look(&mut self, told: &mut Told) -> Result<Arc<Table>, Failure> {
        let lane = match self.course.is_failing() {
            true => &LOOKS_AT_FAILING,
            false => &LOOKS,
        };
        // The semaphores are never closed.
        let slot = lane.acquire().await;
        if let Step::Check(turn) = self.course.next()
            && let Some(table) = self.table.clone()
        {
            let none = Marks::default();
            let marks = match self.course.believes() {
                true => &self.marks,
                false => &none,
            };
            let check = self.discoverer.check(marks, turn).await?;
            told.latency = Some(check.latency);
            if !check.changed {
                told.version = check.version;
                self.course.checked(&self.name);
                return Ok(table);
            }
            self.course.alarmed();
        }
        let Look { version, latency } = self.discoverer.look().await?;
        drop(slot);
        told.latency = Some(latency);
        told.version = Some(version);
        self.read(told).await
    }

    async fn read(&mut self, told: &mut Told) -> Result<Arc<Table>, Failure> {
        let _slot = READINGS.acquire().await;
        let found = self.discoverer.discover().await;
        let (discovery, marks) = found.map_err(|error| Failure {
            reason: error.to_string(),
            answered: true,
        })?;
        let former = self.table.take();
        let read = match &former {
            Some(former) => discovery.clone().or_from(&former.discovery),
            None => discovery.clone(),
        };
        let table = self.tables.of(read);
        told.changed = former.is_none_or(|former| !Arc::ptr_eq(&former, &table));
        self.course
            .read(&self.name, &discovery, told.changed, marks.tell());
        self.marks = marks;
        self.table = Some(Arc::clone(&table));
        Ok(table)
    }
}

// === impl Failure ===

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        Self {
            answered: matches!(error, ProbeError::Unauthorized { .. }),
            reason: error.to_string(),
        }
    }
}
