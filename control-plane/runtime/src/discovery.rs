//! What resources the clusters have, read again and again.
//!
//! ```text
//! store ──revision──> Keeper ──one task per cluster──> reader ──> API server
//!                      │  ^                               │
//!                      │  └──────────── Reading ──────────┘
//!                      └──KnownResources, when something is another──> publisher
//! ```
//!
//! What is known of a cluster stays while its API server does not answer. It goes with
//! the cluster, and when the cluster becomes another server.

pub(crate) mod credential;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_api::{ClusterState, ClusterStates};
use cubegate_domain::Cluster;
use cubegate_filter_config::Resources;
use cubegate_store::{Changes, Store};
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use self::reader::Reading;

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// How many readings wait for the keeper at most.
const QUEUE: usize = 64;

/// What is known of all clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KnownResources {
    /// By the cluster's name; a cluster that never answered has none.
    pub(crate) resources: BTreeMap<String, Arc<Resources>>,
    /// Whether every registered cluster was asked at least once.
    pub(crate) complete: bool,
}

/// Owns all that is known, and the tasks.
struct Keeper {
    store: Store,
    interval: Duration,
    clusters: BTreeMap<String, Kept>,
    /// Counts the tasks, so that one that has ended is not heard any more.
    generation: u64,
    readings: mpsc::Sender<Reading>,
    publish: watch::Sender<KnownResources>,
    states: watch::Sender<ClusterStates>,
}

/// One cluster.
struct Kept {
    cluster: Cluster,
    generation: u64,
    /// Aborted with the value.
    task: Task,
    /// Whether it was read, well or not.
    was_read: bool,
    resources: Option<Arc<Resources>>,
}

struct Task(JoinHandle<()>);

/// Keeps what is known up to date, until nobody listens. Each cluster is read at once
/// and then every `interval`. `states` follows with how the clusters are.
pub(crate) async fn run(
    store: Store,
    interval: Duration,
    publish: watch::Sender<KnownResources>,
    states: watch::Sender<ClusterStates>,
) {
    let mut revision = store.subscribe();
    revision.mark_changed();
    let mut followed = None;
    let (readings, mut arriving) = mpsc::channel(QUEUE);
    let mut keeper = Keeper {
        store,
        interval,
        clusters: BTreeMap::new(),
        generation: 0,
        readings,
        publish,
        states,
    };
    loop {
        tokio::select! {
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
        keeper.publish();
    }
}

// === impl Keeper ===

impl Keeper {
    /// Starts and ends tasks as clusters come and go.
    async fn follow(&mut self) -> Result<(), cubegate_store::StoreError> {
        let registered = self.store.list_clusters().await?;
        self.clusters.retain(|name, _| {
            registered
                .iter()
                .any(|cluster| cluster.name.as_str() == name)
        });
        for cluster in registered {
            let kept = self.clusters.remove(cluster.name.as_str());
            let kept = match kept {
                Some(kept) if kept.is_still(&cluster) => kept,
                Some(kept) => {
                    let resources = kept
                        .resources
                        .filter(|_| kept.cluster.server == cluster.server);
                    self.start(cluster, resources)
                }
                None => self.start(cluster, None),
            };
            self.clusters.insert(kept.cluster.name.to_string(), kept);
        }
        self.states
            .send_modify(|states| states.retain(|name, _| self.clusters.contains_key(name)));
        Ok(())
    }

    fn start(&mut self, cluster: Cluster, resources: Option<Arc<Resources>>) -> Kept {
        self.generation = self.generation.wrapping_add(1);
        let task = reader::run(
            cluster.clone(),
            self.generation,
            self.interval,
            self.readings.clone(),
        );
        let ends = credential::ends(&cluster.credential);
        let state = ClusterState::unknown(OffsetDateTime::now_utc(), ends);
        let name = cluster.name.to_string();
        self.states
            .send_modify(|states| drop(states.insert(name, state)));
        Kept {
            cluster,
            generation: self.generation,
            task: Task(tokio::spawn(task)),
            was_read: false,
            resources,
        }
    }

    /// What a task has found.
    fn take(&mut self, reading: Reading) {
        let Reading {
            cluster,
            generation,
            outcome,
            look,
        } = reading;
        let Some(kept) = self.clusters.get_mut(&cluster) else {
            return;
        };
        if kept.generation != generation {
            return;
        }
        kept.was_read = true;
        let reason = match outcome {
            Ok(resources) => {
                kept.resources = Some(resources);
                None
            }
            Err(reason) => Some(reason),
        };
        // In place: of a thousand clusters one was read.
        self.states.send_modify(|states| {
            if let Some(state) = states.get_mut(&cluster) {
                let latency = look.as_ref().map(|look| look.latency);
                let version = look.map(|look| look.version);
                state.looked(latency, version, reason, OffsetDateTime::now_utc());
            }
        });
    }

    fn publish(&self) {
        let resources = self.clusters.iter().filter_map(|(name, kept)| {
            let resources = kept.resources.clone()?;
            Some((name.clone(), resources))
        });
        let now = KnownResources {
            resources: resources.collect(),
            complete: self.clusters.values().all(|kept| kept.was_read),
        };
        self.publish.send_if_modified(|known| {
            let changed = *known != now;
            if changed {
                *known = now;
            }
            changed
        });
    }
}

// === impl Kept ===

impl Kept {
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
