//! Who may compute a hash now, who waits for it, and who is sent away at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;

/// So much work may wait in each queue; who comes then is sent away at once. Clients
/// and the filter give up after some 10 s, and work for them would be for nobody.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// However slow the machine is, so many may wait for each slot: what was measured last
/// may have been a moment's load.
const LEAST_WAITING: u64 = 4;

/// What a hash is taken to cost until one was computed.
const FIRST_GUESS: Duration = Duration::from_millis(50);

/// Which queue a password is checked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Of a user who has logged in from the same address before, or has shown a good
    /// credential: half the slots are kept for these.
    Known,
    /// Of whoever says to be somebody. Which names there are makes no difference here,
    /// so that nobody learns it from what is answered, or how soon.
    Anybody,
}

/// The slots and who waits for them.
pub(super) struct Lanes {
    common: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    common_slots: u64,
    all_slots: u64,
    known: Arc<AtomicUsize>,
    anybody: Arc<AtomicUsize>,
    /// What a hash takes, in microseconds: an average in which the last ones weigh most.
    cost: AtomicU64,
}

/// Room to compute one hash. It is given back when this is dropped.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// A place in a queue, to the end of the work.
struct Place(Arc<AtomicUsize>);

// === impl Lanes ===

impl Lanes {
    /// As many slots as there are cores, two at least.
    pub(super) fn new(cores: usize) -> Self {
        let all = cores.max(2);
        let common = all / 2;
        let count = |slots: usize| u64::try_from(slots).unwrap_or(u64::MAX);
        Self {
            common: Arc::new(Semaphore::new(common)),
            reserved: Arc::new(Semaphore::new(all - common)),
            common_slots: count(common),
            all_slots: count(all),
            known: Arc::default(),
            anybody: Arc::default(),
            cost: AtomicU64::new(micros(FIRST_GUESS)),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// [`StoreError::Busy`], at once, when the wait would be too long.
    pub(super) async fn enter(&self, queue: Queue) -> Result<Slot, StoreError> {
        let (places, slots) = match queue {
            Queue::Known => (&self.known, self.all_slots),
            Queue::Anybody => (&self.anybody, self.common_slots),
        };
        let (place, before) = Place::take(places);
        let cost = self.cost.load(Ordering::Relaxed);
        let wait = before.saturating_mul(cost) / slots;
        if wait > micros(LONGEST_WAIT) && before >= slots.saturating_mul(LEAST_WAITING) {
            let retry_after = Duration::from_micros(wait).as_secs().max(1);
            return Err(StoreError::Busy { retry_after });
        }
        let (common, reserved) = (Arc::clone(&self.common), Arc::clone(&self.reserved));
        let permit = match queue {
            Queue::Anybody => common.acquire_owned().await,
            Queue::Known => tokio::select! {
                biased;
                permit = reserved.acquire_owned() => permit,
                permit = common.acquire_owned() => permit,
            },
        };
        let permit = permit.map_err(|error| StoreError::Hash(error.to_string()))?;
        Ok(Slot {
            _permit: permit,
            _place: place,
        })
    }

    /// Takes note of what a hash has cost.
    pub(super) fn took(&self, time: Duration) {
        let last = self.cost.load(Ordering::Relaxed);
        // Two at a time may overwrite each other: it is an average.
        let next = (last.saturating_mul(7).saturating_add(micros(time))) / 8;
        self.cost.store(next, Ordering::Relaxed);
    }
}

// === impl Place ===

impl Place {
    /// A place, and how many have one already.
    fn take(places: &Arc<AtomicUsize>) -> (Self, u64) {
        let before = places.fetch_add(1, Ordering::Relaxed);
        let before = u64::try_from(before).unwrap_or(u64::MAX);
        (Self(Arc::clone(places)), before)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes in which a hash takes 100 ms: a queue holds 20 for each slot.
    fn mk_lanes(cores: usize) -> Arc<Lanes> {
        let lanes = Lanes::new(cores);
        for _ in 0..200 {
            lanes.took(Duration::from_millis(100));
        }
        Arc::new(lanes)
    }

    async fn try_enter(lanes: &Lanes, queue: Queue) -> Option<Result<Slot, StoreError>> {
        tokio::time::timeout(Duration::from_millis(20), lanes.enter(queue))
            .await
            .ok()
    }

    #[tokio::test]
    async fn half_the_slots_are_kept_for_the_known() {
        for (cores, common, all) in [(1, 1, 2), (2, 1, 2), (4, 2, 4), (5, 2, 5)] {
            let lanes = mk_lanes(cores);
            let mut slots = Vec::new();
            for _ in 0..common {
                slots.push(lanes.enter(Queue::Anybody).await.unwrap());
            }
            assert!(try_enter(&lanes, Queue::Anybody).await.is_none(), "{cores}");
            for _ in common..all {
                slots.push(lanes.enter(Queue::Known).await.unwrap());
            }
            assert!(try_enter(&lanes, Queue::Known).await.is_none(), "{cores}");
            // Any slot that comes back will do for a known one.
            slots.remove(0);
            assert!(try_enter(&lanes, Queue::Known).await.is_some(), "{cores}");
        }
    }

    #[tokio::test]
    async fn a_queue_holds_two_seconds_of_work_and_sends_the_rest_away_at_once() {
        let lanes = mk_lanes(2);
        let _held = lanes.enter(Queue::Anybody).await.unwrap();
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let lanes = lanes.clone();
                tokio::spawn(async move { lanes.enter(Queue::Anybody).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut refused = 0;
        for task in waiting {
            if task.is_finished() {
                let error = task.await.unwrap().unwrap_err();
                assert!(
                    matches!(error, StoreError::Busy { retry_after: 2 }),
                    "{error}"
                );
                refused += 1;
            } else {
                task.abort();
            }
        }
        assert_eq!(refused, 80);
        // The others have a queue of their own.
        drop(lanes.enter(Queue::Known).await.unwrap());
        // Who goes away leaves the place to somebody else.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(try_enter(&lanes, Queue::Anybody).await.is_none());
    }

    #[tokio::test]
    async fn a_slow_machine_lets_a_few_wait_all_the_same() {
        let lanes = mk_lanes(2);
        for _ in 0..200 {
            lanes.took(Duration::from_secs(10));
        }
        let _held = lanes.enter(Queue::Anybody).await.unwrap();
        assert!(try_enter(&lanes, Queue::Anybody).await.is_none());
    }
}
