//! Reasons to look at a cluster before its time: what its clients have met.
//!
//! Whoever tells of one has it from outside, as often as clients like. So a cluster is looked at
//! no more often than [`FIRST`] apart, and ever less while nothing comes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The least time from one look for a reason to the next.
const FIRST: Duration = Duration::from_secs(5);

/// The most, after many that have found nothing.
const LONGEST: Duration = Duration::from_secs(300);

/// What a client has met; the last one asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Met {
    /// No connection to the cluster.
    NoConnection,
    /// A resource that the cluster is not known to have.
    UnknownResource,
}

/// The clusters that are looked at. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Nudges(Arc<Mutex<BTreeMap<String, Arc<Nudge>>>>);

/// What was told of one cluster and is not looked at yet.
#[derive(Default)]
pub(super) struct Nudge {
    told: Notify,
    met: Mutex<Option<Met>>,
}

/// When a cluster may be looked at for a reason.
pub(super) struct Rate {
    pause: Duration,
    next: Instant,
}

// === impl Nudges ===

impl Nudges {
    /// Tells of what a client has met at a cluster. Other names than registered ones are nothing.
    pub(crate) fn tell(&self, cluster: &str, met: Met) {
        let nudges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nudge) = nudges.get(cluster) {
            let mut known = nudge.met();
            *known = (*known).max(Some(met));
            nudge.told.notify_one();
        }
    }

    /// What is told of this cluster from now on.
    pub(super) fn of(&self, cluster: &str) -> Arc<Nudge> {
        let mut nudges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(nudges.entry(cluster.to_owned()).or_default())
    }

    /// Forgets all clusters but these.
    pub(super) fn retain(&self, is_registered: impl Fn(&str) -> bool) {
        let mut nudges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nudges.retain(|cluster, _| is_registered(cluster));
    }
}

// === impl Nudge ===

impl Nudge {
    /// Waits until there is something to look at.
    pub(super) async fn told(&self) {
        while self.met().is_none() {
            self.told.notified().await;
        }
    }

    /// Returns what is to be looked at, once.
    pub(super) fn take(&self) -> Option<Met> {
        self.met().take()
    }

    fn met(&self) -> MutexGuard<'_, Option<Met>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rate ===

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            pause: FIRST,
            next: Instant::now(),
        }
    }

    /// When the cluster may be looked at, now or later.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// It was, and that was of use or was not.
    pub(super) fn looked(&mut self, of_use: bool) {
        self.pause = match of_use {
            true => FIRST,
            false => self.pause.saturating_mul(2).min(LONGEST),
        };
        self.next = Instant::now() + self.pause;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    fn seconds_to(rate: &Rate) -> u64 {
        let left = rate.next() - Instant::now();
        // Rounded up: some of it is over.
        left.as_secs() + 1
    }

    #[tokio::test]
    async fn many_reasons_are_one_look_and_unknown_clusters_are_nothing() {
        let nudges = Nudges::default();
        nudges.tell("a", Met::UnknownResource);
        assert!(nudges.0.lock().unwrap().is_empty());
        let nudge = nudges.of("a");
        for _ in 0..100 {
            nudges.tell("a", Met::NoConnection);
        }
        timeout(Duration::from_secs(10), nudge.told())
            .await
            .unwrap();
        assert_eq!(nudge.take(), Some(Met::NoConnection));
        let more = timeout(Duration::from_millis(50), nudge.told()).await;
        assert!(more.is_err(), "they were one");
        nudges.tell("a", Met::UnknownResource);
        nudges.tell("a", Met::NoConnection);
        timeout(Duration::from_secs(10), nudge.told())
            .await
            .unwrap();
        assert_eq!(nudge.take(), Some(Met::UnknownResource));
        nudges.retain(|_| false);
        assert!(nudges.0.lock().unwrap().is_empty());
    }

    #[test]
    fn looks_that_find_nothing_become_rare() {
        let mut rate = Rate::new();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            rate.looked(false);
            pauses.push(seconds_to(&rate));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300, 300]);
        rate.looked(true);
        assert_eq!(seconds_to(&rate), 5);
    }
}
