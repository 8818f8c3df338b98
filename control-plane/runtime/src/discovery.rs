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

mod credential;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_filter_config::Resources;
use cubegate_store::{Changes, Store};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time;

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

/// How a registered cluster is, as far as the control plane sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterState {
    /// Whether its discovery could be read the last time; `None` before the first.
    pub(crate) answers: Option<bool>,
    /// When the gateway's own credential there ends, in Unix seconds, if it says so.
    pub(crate) credential_ends: Option<i64>,
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
    states: watch::Sender<BTreeMap<String, ClusterState>>,
}

/// One cluster.
struct Kept {
    cluster: Cluster,
    generation: u64,
    /// Aborted with the value.
    task: Task,
    /// Whether the last reading went well; `None` before the first.
    answers: Option<bool>,
    credential_ends: Option<i64>,
    resources: Option<Arc<Resources>>,
}

struct Task(JoinHandle<()>);

/// Keeps what is known up to date, until nobody listens. Each cluster is read at once
/// and then every `interval`. `states` follows with how the clusters are.
pub(crate) async fn run(
    store: Store,
    interval: Duration,
    publish: watch::Sender<KnownResources>,
    states: watch::Sender<BTreeMap<String, ClusterState>>,
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
                            time::sleep(RETRY).await;
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
        Kept {
            credential_ends: credential::ends(&cluster.credential),
            cluster,
            generation: self.generation,
            task: Task(tokio::spawn(task)),
            answers: None,
            resources,
        }
    }

    /// What a task has found.
    fn take(&mut self, reading: Reading) {
        let Reading {
            cluster,
            generation,
            resources,
        } = reading;
        let Some(kept) = self.clusters.get_mut(&cluster) else {
            return;
        };
        if kept.generation == generation {
            kept.answers = Some(resources.is_some());
            if resources.is_some() {
                kept.resources = resources;
            }
        }
    }

    fn publish(&self) {
        let resources = self.clusters.iter().filter_map(|(name, kept)| {
            let resources = kept.resources.clone()?;
            Some((name.clone(), resources))
        });
        let now = KnownResources {
            resources: resources.collect(),
            complete: self.clusters.values().all(|kept| kept.answers.is_some()),
        };
        self.publish.send_if_modified(|known| {
            let changed = *known != now;
            if changed {
                *known = now;
            }
            changed
        });
        let states = self.clusters.iter().map(|(name, kept)| {
            let state = ClusterState {
                answers: kept.answers,
                credential_ends: kept.credential_ends,
            };
            (name.clone(), state)
        });
        self.states.send_replace(states.collect());
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
