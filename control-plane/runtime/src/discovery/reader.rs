//! The task of one cluster.

use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_filter_config::Resources;
use cubegate_member::{Discoverer, Discovery, Look};
use tokio::sync::{Semaphore, mpsc};
use tokio::time;

/// How many clusters are read at the same time.
static AT_ONCE: Semaphore = Semaphore::const_new(64);

/// One reading of a cluster.
pub(super) struct Reading {
    /// The cluster's name.
    pub(super) cluster: String,
    /// Which task it is from.
    pub(super) generation: u64,
    /// What the cluster has, or one sentence why it could not be read.
    pub(super) outcome: Result<Arc<Resources>, String>,
    /// What it answered before that, if it did.
    pub(super) look: Option<Look>,
}

/// How a cluster's discovery went, for the log: a line when it is another, none while
/// it stays so.
#[derive(Default)]
struct Course {
    /// Readings that failed since one that went well.
    failures: u32,
    /// Groups that could not be read at the last reading that went well.
    unreachable: Vec<String>,
    /// Whether it has left something out.
    leaves_out: bool,
}

/// Reads a cluster at once and then every `interval`, for as long as somebody listens.
pub(super) async fn run(
    cluster: Cluster,
    generation: u64,
    interval: Duration,
    readings: mpsc::Sender<Reading>,
) {
    let name = cluster.name.to_string();
    let discoverer = Discoverer::new(&cluster);
    let mut last = Discovery::default();
    let mut course = Course::default();
    loop {
        let mut look = None;
        let outcome = match &discoverer {
            Ok(discoverer) => read(discoverer, &mut look).await,
            Err(error) => Err(error.to_string()),
        };
        course.log(&name, &outcome);
        let outcome = outcome.map(|discovery| {
            last = discovery.or_from(&last);
            Arc::new(last.resources())
        });
        let reading = Reading {
            cluster: name.clone(),
            generation,
            outcome,
            look,
        };
        if readings.send(reading).await.is_err() {
            return;
        }
        time::sleep(course.pause(interval, rand::random_range(0.9..1.1))).await;
    }
}

/// Looks whether the server is there and takes the credential, and only then reads what it
/// has.
async fn read(discoverer: &Discoverer, look: &mut Option<Look>) -> Result<Discovery, String> {
    // The semaphore is never closed.
    let _slot = AT_ONCE.acquire().await;
    let looked = discoverer.look().await.map_err(|error| error.to_string())?;
    *look = Some(looked);
    let discovery = discoverer.discover().await;
    discovery.map_err(|error| error.to_string())
}

// === impl Course ===

impl Course {
    fn log(&mut self, name: &str, outcome: &Result<Discovery, String>) {
        let discovery = match outcome {
            Ok(discovery) => discovery,
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(
                        cluster.name = name,
                        error,
                        "a cluster's resources cannot be read; what is known of them stays"
                    );
                }
                self.failures = self.failures.saturating_add(1);
                return;
            }
        };
        if self.failures > 0 {
            tracing::info!(cluster.name = name, "a cluster's resources are read again");
            self.failures = 0;
        }
        if discovery.leaves_out() && !self.leaves_out {
            tracing::warn!(
                cluster.name = name,
                "a cluster has more resources than are kept; the last ones have no lists on KubeSphere's paths"
            );
        }
        self.leaves_out = discovery.leaves_out();
        let unreachable = discovery.unreachable();
        if unreachable != self.unreachable {
            let groups = unreachable.join(", ");
            if groups.is_empty() {
                tracing::info!(
                    cluster.name = name,
                    "all groups of a cluster are read again"
                );
            } else {
                tracing::warn!(
                    cluster.name = name,
                    groups,
                    "groups of a cluster cannot be read; what is known of them stays"
                );
            }
            self.unreachable = unreachable;
        }
    }

    /// Returns the time to the next reading: the interval, or after failures an eighth of it,
    /// doubled with each, up to four intervals. `jitter` is about 1 and keeps clusters,
    /// and control planes, from being in step.
    fn pause(&self, interval: Duration, jitter: f64) -> Duration {
        let pause = match self.failures {
            0 => interval,
            failures => (interval / 16)
                .saturating_mul(2_u32.saturating_pow(failures))
                .min(interval.saturating_mul(4)),
        };
        pause.mul_f64(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_fails_is_asked_soon_and_then_less_and_less() {
        let interval = Duration::from_secs(32);
        let pause = |failures, jitter| {
            let course = Course {
                failures,
                ..Course::default()
            };
            course.pause(interval, jitter).as_secs()
        };
        assert_eq!(pause(0, 1.0), 32);
        assert_eq!(pause(0, 0.5), 16);
        let after: Vec<_> = (1..=8).map(|failures| pause(failures, 1.0)).collect();
        assert_eq!(after, [4, 8, 16, 32, 64, 128, 128, 128]);
        assert_eq!(pause(u32::MAX, 1.0), 128);
    }
}
