//! The lock-out of users whose password is being guessed.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::throttle::TooMany;

/// How many names failures are kept of; the least recent one is forgotten first.
const MAX_USERS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// Counts wrong passwords by user, whether there is such a user or not.
///
/// An attempt is counted before its password is checked, so that attempts at the same
/// time cannot be more than what is left: those beyond wait until one of the others is
/// settled.
pub(crate) struct LockOut {
    /// 0: nobody is locked.
    failures: usize,
    window: Duration,
    users: Mutex<LruCache<u64, Tries>>,
    settled: Notify,
    names: RandomState,
}

#[derive(Default)]
struct Tries {
    /// When passwords were wrong, the oldest first.
    failed: VecDeque<OffsetDateTime>,
    /// Attempts whose password is being checked.
    pending: usize,
    locked_until: Option<OffsetDateTime>,
}

/// A password that is being checked. Dropped without a word, it was wrong: whoever
/// hangs up before the answer has tried all the same.
pub(crate) struct Attempt<'a> {
    lock_out: &'a LockOut,
    user: u64,
    now: OffsetDateTime,
    outcome: Outcome,
}

#[derive(Clone, Copy)]
enum Outcome {
    Right,
    Wrong,
    Unknown,
}

enum Begun {
    Yes,
    Wait,
    Locked(TooMany),
}

// === impl LockOut ===

impl LockOut {
    pub(super) fn new(failures: u32, window: Duration) -> Self {
        Self {
            failures: usize::try_from(failures).unwrap_or(usize::MAX),
            window,
            users: Mutex::new(LruCache::new(MAX_USERS)),
            settled: Notify::new(),
            names: RandomState::new(),
        }
    }

    /// Begins an attempt for this name, unless it is locked.
    pub(crate) async fn begin(
        &self,
        user: &str,
        now: OffsetDateTime,
    ) -> Result<Attempt<'_>, TooMany> {
        let user = self.names.hash_one(user);
        loop {
            // Listening comes first, or what is settled in between goes unheard.
            let mut settled = pin!(self.settled.notified());
            settled.as_mut().enable();
            match self.try_begin(user, now) {
                Begun::Yes => {
                    return Ok(Attempt {
                        lock_out: self,
                        user,
                        now,
                        outcome: Outcome::Wrong,
                    });
                }
                Begun::Locked(too_many) => return Err(too_many),
                Begun::Wait => settled.await,
            }
        }
    }

    fn try_begin(&self, user: u64, now: OffsetDateTime) -> Begun {
        if self.failures == 0 {
            return Begun::Yes;
        }
        let mut users = self.users();
        let tries = users.get_or_insert_mut(user, Tries::default);
        if let Some(until) = tries.locked_until {
            if now < until {
                let wait = Duration::try_from(until - now).unwrap_or_default();
                return Begun::Locked(TooMany::until(wait));
            }
            tries.locked_until = None;
            tries.failed.clear();
        }
        while tries
            .failed
            .front()
            .is_some_and(|first| *first + self.window <= now)
        {
            tries.failed.pop_front();
        }
        if tries.failed.len().saturating_add(tries.pending) >= self.failures {
            return Begun::Wait;
        }
        tries.pending = tries.pending.saturating_add(1);
        Begun::Yes
    }

    fn settle(&self, user: u64, now: OffsetDateTime, outcome: Outcome) {
        if self.failures == 0 {
            return;
        }
        {
            let mut users = self.users();
            let tries = users.get_or_insert_mut(user, Tries::default);
            tries.pending = tries.pending.saturating_sub(1);
            match outcome {
                Outcome::Right => {
                    tries.failed.clear();
                    if tries.pending == 0 && tries.locked_until.is_none() {
                        users.pop(&user);
                    }
                }
                Outcome::Wrong => {
                    tries.failed.push_back(now);
                    if tries.failed.len() >= self.failures {
                        tries.locked_until = Some(now + self.window);
                    }
                }
                Outcome::Unknown => {}
            }
        }
        self.settled.notify_waiters();
    }

    fn users(&self) -> MutexGuard<'_, LruCache<u64, Tries>> {
        // Each change is whole by itself.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    /// The password was right: what was wrong before is forgotten.
    pub(crate) fn was_right(mut self) {
        self.outcome = Outcome::Right;
    }

    /// The password was wrong.
    pub(crate) fn was_wrong(mut self) {
        self.outcome = Outcome::Wrong;
    }

    /// It could not be checked, which is nobody's fault out there.
    pub(crate) fn was_not_checked(mut self) {
        self.outcome = Outcome::Unknown;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.lock_out.settle(self.user, self.now, self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
    }

    async fn fail(lock_out: &LockOut, user: &str, seconds: i64) {
        lock_out.begin(user, at(seconds)).await.unwrap().was_wrong();
    }

    async fn wait(lock_out: &LockOut, user: &str, seconds: i64) -> Option<u64> {
        match lock_out.begin(user, at(seconds)).await {
            Ok(attempt) => {
                attempt.was_not_checked();
                None
            }
            Err(too_many) => Some(too_many.retry_after),
        }
    }

    #[tokio::test]
    async fn the_last_failure_locks_for_the_window() {
        let lock_out = LockOut::new(3, WINDOW);
        for second in [0, 10, 20] {
            assert_eq!(wait(&lock_out, "a", second).await, None);
            fail(&lock_out, "a", second).await;
        }
        assert_eq!(wait(&lock_out, "a", 20).await, Some(600));
        assert_eq!(wait(&lock_out, "a", 619).await, Some(1));
        assert_eq!(wait(&lock_out, "b", 20).await, None);
        // And then it begins anew.
        fail(&lock_out, "a", 620).await;
        fail(&lock_out, "a", 621).await;
        assert_eq!(wait(&lock_out, "a", 621).await, None);
    }

    #[tokio::test]
    async fn what_is_older_than_the_window_does_not_count() {
        let lock_out = LockOut::new(2, WINDOW);
        fail(&lock_out, "a", 0).await;
        fail(&lock_out, "a", 600).await;
        assert_eq!(wait(&lock_out, "a", 600).await, None);
        fail(&lock_out, "a", 601).await;
        assert_eq!(wait(&lock_out, "a", 601).await, Some(600));
    }

    #[tokio::test]
    async fn a_right_password_forgets_the_wrong_ones() {
        let lock_out = LockOut::new(2, WINDOW);
        for second in 0..10 {
            fail(&lock_out, "a", second).await;
            lock_out.begin("a", at(second)).await.unwrap().was_right();
        }
        assert_eq!(lock_out.users().len(), 0);
    }

    #[tokio::test]
    async fn hanging_up_counts_and_a_broken_database_does_not() {
        let lock_out = LockOut::new(1, WINDOW);
        for _ in 0..5 {
            lock_out.begin("a", at(0)).await.unwrap().was_not_checked();
        }
        drop(lock_out.begin("a", at(0)).await.unwrap());
        assert_eq!(wait(&lock_out, "a", 0).await, Some(600));
    }

    #[tokio::test]
    async fn without_a_number_nobody_is_locked() {
        let lock_out = LockOut::new(0, WINDOW);
        for _ in 0..100 {
            fail(&lock_out, "a", 0).await;
        }
        assert_eq!(lock_out.users().len(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn as_many_guesses_at_the_same_time_get_through_as_one_after_the_other() {
        let lock_out = Arc::new(LockOut::new(10, WINDOW));
        let (checked, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let guesses: Vec<_> = (0..200)
            .map(|_| {
                let (lock_out, checked, refused) =
                    (lock_out.clone(), checked.clone(), refused.clone());
                tokio::spawn(async move {
                    match lock_out.begin("a", at(0)).await {
                        Ok(attempt) => {
                            tokio::task::yield_now().await;
                            checked.fetch_add(1, Ordering::Relaxed);
                            attempt.was_wrong();
                        }
                        Err(_) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for guess in guesses {
            guess.await.unwrap();
        }
        assert_eq!(checked.load(Ordering::Relaxed), 10);
        assert_eq!(refused.load(Ordering::Relaxed), 190);
    }

    #[tokio::test]
    async fn right_passwords_at_the_same_time_all_get_through() {
        let lock_out = Arc::new(LockOut::new(2, WINDOW));
        let logins: Vec<_> = (0..50)
            .map(|_| {
                let lock_out = lock_out.clone();
                tokio::spawn(async move {
                    let attempt = lock_out.begin("a", at(0)).await.unwrap();
                    tokio::task::yield_now().await;
                    attempt.was_right();
                })
            })
            .collect();
        for login in logins {
            tokio::time::timeout(Duration::from_secs(10), login)
                .await
                .unwrap()
                .unwrap();
        }
    }

    #[tokio::test]
    async fn the_memory_is_bounded() {
        let lock_out = LockOut::new(2, WINDOW);
        for number in 0..2 * MAX_USERS.get() {
            fail(&lock_out, &number.to_string(), 0).await;
        }
        assert_eq!(lock_out.users().len(), MAX_USERS.get());
    }
}
