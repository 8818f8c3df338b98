//! What resources the clusters have, read again and again.
//!
//! ```text
//! store ──revision──> Keeper ──one task per cluster──> reader ──> API server
//!                      │  ^                             │  ^
//!                      │  └──────────── Reading ────────┘  └──Nudges── what clients have met
//!                      └──KnownResources, when something is another──> publisher
//! ```
//!
//! A cluster is asked one small question an interval; all its documents are read when that says
//! that there is something else, and every now and then (`course`). Clusters that have the same
//! share one table of it (`tables`).
//!
//! What is known of a cluster stays while its API server does not answer, and over restarts of
//! the control plane (`remembered`). It goes with the cluster, and when the cluster becomes
//! another server.

mod course;
pub(crate) mod credential;
pub(crate) mod expiring;
mod nudges;
mod reader;
mod remembered;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cubegate_api::{ClusterState, ClusterStates};
use cubegate_domain::Cluster;
use cubegate_filter_config::Resources;
use cubegate_store::{Changes, Store};
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at, sleep, sleep_until};

pub(crate) use self::nudges::{Met, Nudges};
use self::reader::{Around, Reading};
use self::remembered::{Memory, Remembered};
use self::tables::{Table, Tables};

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// How many readings wait for the keeper at most.
const QUEUE: usize = 64;

/// How often what is known is told while the first clusters are still read. Each time everything
/// is made anew of it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What is known of all clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownResources {
    /// By the cluster's name; a cluster that never answered has none.
    pub(crate) resources: BTreeMap<String, Arc<Resources>>,
    /// The clusters that give no answer.
    pub(crate) unreachable: BTreeSet<String>,
    /// Whether of every registered cluster something is known, or it was asked at least once.
    pub(crate) complete: bool,
}

/// What is found out about clusters, and where to tell of what clients have met.
pub(crate) struct Found {
    /// What they have.
    pub(crate) known: watch::Receiver<KnownResources>,
    /// How they are.
    pub(crate) states: watch::Receiver<ClusterStates>,
    pub(crate) nudges: Nudges,
}

/// Owns all that is known, and the tasks.
struct Keeper {
    store: Store,
    interval: Duration,
    clusters: BTreeMap<String, Kept>,
    /// Counts the tasks, so that one that has ended is not heard any more.
    generation: u64,
    readings: mpsc::Sender<Reading>,
    tables: Arc<Tables>,
    /// What was known at the start, of clusters that have not been begun with.
    remembered: Memory,
    /// What is to be known at the next one.
    remember: watch::Sender<Memory>,
    nudges: Nudges,
    publish: watch::Sender<KnownResources>,
    states: watch::Sender<ClusterStates>,
    /// Whether something is not told yet.
    has_news: bool,
    /// When something was told the last time.
    told: Option<Instant>,
}

/// One cluster.
struct Kept {
    cluster: Arc<Cluster>,
    generation: u64,
    /// Aborted with the value.
    task: Task,
    /// Whether it was read, well or not.
    was_read: bool,
    is_unreachable: bool,
    table: Option<Arc<Table>>,
}

struct Task(JoinHandle<()>);

/// Returns what is found, and the task that finds it: it keeps what is known up to date until
/// nobody listens. Each cluster is read at once and looked at every `interval`, and whenever it
/// is nudged.
pub(crate) fn begin(
    store: &Store,
    interval: Duration,
) -> (Found, impl Future<Output = ()> + use<>) {
    let (publish, known) = watch::channel(KnownResources::default());
    let (states, told) = watch::channel(ClusterStates::new());
    let nudges = Nudges::default();
    let task = run(store.clone(), interval, nudges.clone(), publish, states);
    let found = Found {
        known,
        states: told,
        nudges,
    };
    (found, task)
}

async fn run(
    store: Store,
    interval: Duration,
    nudges: Nudges,
    publish: watch::Sender<KnownResources>,
    states: watch::Sender<ClusterStates>,
) {
    let mut revision = store.subscribe();
    revision.mark_changed();
    let mut followed = None;
    let (readings, mut arriving) = mpsc::channel(QUEUE);
    let tables = Arc::default();
    let remembered = remembered::read(&store, &tables).await;
    let remembered = remembered.unwrap_or_else(|error| {
        tracing::warn!(%error, "what clusters had before cannot be read; they are asked");
        Memory::new()
    });
    let (remember, told) = watch::channel(Memory::new());
    tokio::spawn(remembered::keep(store.clone(), remembered.clone(), told));
    let mut keeper = Keeper {
        store,
        interval,
        clusters: BTreeMap::new(),
        generation: 0,
        readings,
        tables,
        remembered,
        remember,
        nudges,
        publish,
        states,
        // Not before it is known which clusters there are.
        has_news: false,
        told: None,
    };
    let mut days = interval_at(Instant::now() + expiring::TOLD_EVERY, expiring::TOLD_EVERY);
    loop {
        let due = keeper.due();
        tokio::select! {
            _ = days.tick() => expiring::tell(&keeper.states.borrow(), OffsetDateTime::now_utc()),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => keeper.publish(),
            changed = revision.changed() => match changed {
                Ok(()) => {
                    let now = *revision.borrow_and_update();
                    let changes = followed.map_or(Changes::ALL, |followed| now.since(followed));
                    // Most changes are about users and sessions.
                    if !changes.clusters {
                        followed = Some(now);
                        continue;
                    }
                    match keeper.follow().await {
                        Ok(()) => followed = Some(now),
                        Err(error) => {
                            tracing::error!(%error, "the clusters cannot be read");
                            sleep(RETRY).await;
                            revision.mark_changed();
                        }
                    }
                }
                Err(_) => return,
            },
            Some(reading) = arriving.recv() => {
                keeper.take(reading);
                while let Ok(reading) = arriving.try_recv() {
                    keeper.take(reading);
                }
            }
        }
        if keeper.publish.is_closed() {
            return;
        }
    }
}

// === impl Keeper ===

impl Keeper {
    /// Starts and ends tasks as clusters come and go.
    async fn follow(&mut self) -> Result<(), cubegate_store::StoreError> {
        let registered = self.store.list_clusters().await?;
        let names: BTreeSet<&str> = registered.iter().map(|one| one.name.as_str()).collect();
        self.clusters
            .retain(|name, _| names.contains(name.as_str()));
        self.nudges.retain(|name| names.contains(name));
        self.has_news = true;
        for cluster in registered {
            let kept = self.clusters.remove(cluster.name.as_str());
            let kept = match kept {
                Some(kept) if kept.is_still(&cluster) => kept,
                Some(kept) => {
                    let table = kept.table.filter(|_| kept.cluster.server == cluster.server);
                    self.start(cluster, table)
                }
                None => {
                    let known = self.remembered.remove(cluster.name.as_str());
                    let table = known.and_then(|known| known.table_of(&cluster));
                    self.start(cluster, table)
                }
            };
            self.clusters.insert(kept.cluster.name.to_string(), kept);
        }
        // It is of no use for one that comes later.
        self.remembered = Memory::new();
        self.states
            .send_modify(|states| states.retain(|name, _| self.clusters.contains_key(name)));
        Ok(())
    }

    fn start(&mut self, cluster: Arc<Cluster>, table: Option<Arc<Table>>) -> Kept {
        self.generation = self.generation.wrapping_add(1);
        let name = cluster.name.to_string();
        let around = Around {
            interval: self.interval,
            readings: self.readings.clone(),
            tables: Arc::clone(&self.tables),
            table: table.clone(),
            nudge: self.nudges.of(&name),
        };
        let task = reader::run(Arc::clone(&cluster), self.generation, around);
        let ends = credential::ends(&cluster.credential);
        let now = OffsetDateTime::now_utc();
        let state = ClusterState::unknown(now, ends);
        expiring::tell(&[(name.clone(), state.clone())].into(), now);
        self.states
            .send_modify(|states| drop(states.insert(name, state)));
        Kept {
            cluster,
            generation: self.generation,
            task: Task(tokio::spawn(task)),
            was_read: false,
            is_unreachable: false,
            table,
        }
    }

    /// What a task has found.
    fn take(&mut self, reading: Reading) {
        let Reading {
            cluster,
            generation,
            outcome,
            is_unreachable,
            latency,
            version,
        } = reading;
        let Some(kept) = self.clusters.get_mut(&cluster) else {
            return;
        };
        if kept.generation != generation {
            return;
        }
        self.has_news |= !kept.is_known();
        kept.was_read = true;
        self.has_news |= kept.is_unreachable != is_unreachable;
        kept.is_unreachable = is_unreachable;
        let reason = match outcome {
            Ok(table) => {
                let former = kept.table.replace(table);
                let now = kept.table.as_ref().map(|table| &table.resources);
                let former = former.as_ref().map(|table| &table.resources);
                // What is the same is one.
                self.has_news |= now.map(Arc::as_ptr) != former.map(Arc::as_ptr);
                None
            }
            Err(reason) => Some(reason),
        };
        // In place: of a thousand clusters one was read.
        self.states.send_modify(|states| {
            if let Some(state) = states.get_mut(&cluster) {
                state.looked(latency, version, reason, OffsetDateTime::now_utc());
            }
        });
    }

    /// When what is known is to be told, if there is anything new.
    fn due(&self) -> Option<Instant> {
        let soon = self.told.map(|told| told + FIRST_PAUSE);
        let soon = soon.filter(|_| !self.is_complete());
        self.has_news.then(|| soon.unwrap_or_else(Instant::now))
    }

    fn is_complete(&self) -> bool {
        self.clusters.values().all(Kept::is_known)
    }

    fn memory(&self) -> Memory {
        let known = self.clusters.iter().filter_map(|(name, kept)| {
            let table = kept.table.as_ref()?;
            Some((name.clone(), Remembered::of(&kept.cluster, table)))
        });
        known.collect()
    }

    fn publish(&mut self) {
        self.has_news = false;
        self.told = Some(Instant::now());
        let resources = self.clusters.iter().filter_map(|(name, kept)| {
            let table = kept.table.as_ref()?;
            Some((name.clone(), Arc::clone(&table.resources)))
        });
        let unreachable = self.clusters.iter().filter(|(_, kept)| kept.is_unreachable);
        let now = KnownResources {
            resources: resources.collect(),
            unreachable: unreachable.map(|(name, _)| name.clone()).collect(),
            complete: self.is_complete(),
        };
        let mut have_others = false;
        self.publish.send_if_modified(|known| {
            have_others = known.resources != now.resources;
            let changed = *known != now;
            if changed {
                *known = now;
            }
            changed
        });
        // Most news is of other things.
        if have_others {
            self.remember.send_replace(self.memory());
        }
    }
}

// === impl Kept ===

impl Kept {
    /// Returns whether there is something to tell of it, or it was asked for that.
    fn is_known(&self) -> bool {
        self.was_read || self.table.is_some()
    }

    /// Returns whether the task reads what is registered now. The time of registration is none
    /// of its business.
    fn is_still(&self, cluster: &Cluster) -> bool {
        let Cluster {
            name: _,
            server,
            tls,
            credential,
            created_at: _,
            source: _,
        } = cluster;
        let reads = &self.cluster;
        !self.task.0.is_finished()
            && (&reads.server, &reads.tls, &reads.credential) == (server, tls, credential)
    }
}

// === impl Task ===

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
