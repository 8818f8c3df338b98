//! Member clusters: which there are, for administrators; what they have, for everybody.

pub(crate) mod add;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod namespaces;
pub(crate) mod remove;
pub(crate) mod resources;

use std::future::Future;

use cubegate_domain::Cluster;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many clusters are asked at the same time, for all callers together.
static READINGS: Semaphore = Semaphore::const_new(64);

/// Does something with each cluster, all at the same time; results come in the order
/// of the clusters.
async fn each<T, F>(clusters: Vec<Cluster>, work: impl Fn(Cluster) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (place, cluster) in clusters.into_iter().enumerate() {
        let work = work(cluster);
        tasks.spawn(async move {
            // The semaphore is never closed.
            let _slot = READINGS.acquire().await;
            (place, work.await)
        });
    }
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(outcome) = tasks.join_next().await {
        match outcome {
            Ok(result) => results.push(result),
            Err(error) => tracing::error!(%error, "the reading of a cluster was lost"),
        }
    }
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}
