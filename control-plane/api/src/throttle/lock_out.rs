//! The lock-out of users whose password is being guessed.
//!
//! An address that a user has logged in from before is counted apart from all others: no
//! guess from elsewhere keeps the user out there, and what is guessed there is only slowed
//! down.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cubegate_store::LoginHistory;
use lru::LruCache;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::throttle::TooMany;

/// How many names of users failures are kept of, and how many of nobody's; the least
/// recent one is forgotten first. Each has room of its own, or made-up names would push
/// the failures of users out.
const MAX_NAMES: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// Who has guessed too often at a known address waits so long before each further try.
const SLOWED_DOWN: Duration = Duration::from_secs(5);

/// Counts wrong passwords by user, whether there is such a user or not.
///
/// An attempt is counted before its password is checked, so that attempts at the same
/// time cannot be more than what is left: those beyond wait until one of the others is
/// settled.
pub(crate) struct LockOut {
    /// 0: nobody is locked.
    failures: usize,
    window: Duration,
    rooms: Mutex<Rooms>,
    settled: Notify,
    names: RandomState,
}

struct Rooms {
    users: LruCache<u64, Tries>,
    made_up: LruCache<u64, Tries>,
}

#[derive(Default)]
struct Tries {
    /// When passwords were wrong, the oldest first.
    failed: VecDeque<OffsetDateTime>,
    /// Attempts whose password is being checked.
    pending: usize,
    locked_until: Option<OffsetDateTime>,
}

/// What an attempt counts for.
#[derive(Clone, Copy)]
struct Place {
    key: u64,
    is_user: bool,
    /// The user has logged in from there before.
    is_known: bool,
}

/// A password that is being checked. Dropped without a word, it was wrong: whoever
/// hangs up before the answer has tried all the same.
pub(crate) struct Attempt<'a> {
    lock_out: &'a LockOut,
    place: Place,
    now: OffsetDateTime,
    outcome: Outcome,
}

#[derive(Clone, Copy)]
enum Outcome {
    Right,
    Wrong,
    Unknown,
    Settled,
}

/// Nobody is let in for that name now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Locked {
    /// How long to wait.
    pub(crate) too_many: TooMany,
    /// Until when the user is locked for new addresses, when the database does not say
    /// so yet.
    pub(crate) unwritten: Option<OffsetDateTime>,
}

enum Begun {
    Yes,
    Wait,
    Locked(Locked),
}

// === impl LockOut ===

impl LockOut {
    pub(super) fn new(failures: u32, window: Duration) -> Self {
        Self {
            failures: usize::try_from(failures).unwrap_or(usize::MAX),
            window,
            rooms: Mutex::new(Rooms {
                users: LruCache::new(MAX_NAMES),
                made_up: LruCache::new(MAX_NAMES),
            }),
            settled: Notify::new(),
            names: RandomState::new(),
        }
    }

    /// Begins an attempt for this name from this network, unless it is locked there.
    pub(crate) async fn begin(
        &self,
        user: &str,
        network: Option<&str>,
        history: &LoginHistory,
        now: OffsetDateTime,
    ) -> Result<Attempt<'_>, Locked> {
        let is_known = history.from_here.is_some();
        let place = Place {
            key: match network.filter(|_| is_known) {
                Some(network) => self.names.hash_one((user, network)),
                None => self.names.hash_one(user),
            },
            is_user: history.exists,
            is_known,
        };
        loop {
            // Listening comes first, or what is settled in between goes unheard.
            let mut settled = pin!(self.settled.notified());
            settled.as_mut().enable();
            match self.try_begin(place, history, now) {
                Begun::Yes => {
                    return Ok(Attempt {
                        lock_out: self,
                        place,
                        now,
                        outcome: Outcome::Wrong,
                    });
                }
                Begun::Locked(locked) => return Err(locked),
                Begun::Wait => settled.await,
            }
        }
    }

    fn try_begin(&self, place: Place, history: &LoginHistory, now: OffsetDateTime) -> Begun {
        if self.failures == 0 {
            return Begun::Yes;
        }
        let written = history.locked_until.filter(|_| !place.is_known);
        if let Some(until) = written.filter(|until| now < *until) {
            return Begun::Locked(Locked {
                too_many: wait(until, now),
                unwritten: None,
            });
        }
        let mut rooms = self.rooms();
        let tries = rooms.of(place).get_or_insert_mut(place.key, Tries::default);
        if let Some(unlocked) = history.unlocked_at {
            tries.forgive(unlocked);
        }
        if let Some(until) = tries.locked_until {
            if now < until {
                return Begun::Locked(Locked {
                    too_many: wait(until, now),
                    unwritten: (place.is_user && !place.is_known).then_some(until),
                });
            }
            tries.locked_until = None;
            if place.is_known {
                // One more try, not all of them anew.
                tries.failed.pop_front();
            } else {
                tries.failed.clear();
            }
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

    /// Says until when the user is locked for new addresses, if that has come of it.
    fn settle(
        &self,
        place: Place,
        now: OffsetDateTime,
        outcome: Outcome,
    ) -> Option<OffsetDateTime> {
        if self.failures == 0 {
            return None;
        }
        let mut locked = None;
        {
            let mut rooms = self.rooms();
            let room = rooms.of(place);
            let tries = room.get_or_insert_mut(place.key, Tries::default);
            tries.pending = tries.pending.saturating_sub(1);
            match outcome {
                Outcome::Right => {
                    tries.failed.clear();
                    if tries.pending == 0 && tries.locked_until.is_none() {
                        room.pop(&place.key);
                    }
                }
                Outcome::Wrong => {
                    tries.failed.push_back(now);
                    if tries.failed.len() >= self.failures {
                        let length = if place.is_known {
                            SLOWED_DOWN.min(self.window)
                        } else {
                            self.window
                        };
                        tries.locked_until = Some(now + length);
                        locked = tries.locked_until.filter(|_| !place.is_known);
                    }
                }
                Outcome::Unknown | Outcome::Settled => {}
            }
        }
        self.settled.notify_waiters();
        locked
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // Each change is whole by itself.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait(until: OffsetDateTime, now: OffsetDateTime) -> TooMany {
    TooMany::until(Duration::try_from(until - now).unwrap_or_default())
}

// === impl Rooms ===

impl Rooms {
    fn of(&mut self, place: Place) -> &mut LruCache<u64, Tries> {
        if place.is_user {
            &mut self.users
        } else {
            &mut self.made_up
        }
    }
}

// === impl Tries ===

impl Tries {
    /// Forgets what was wrong until then.
    fn forgive(&mut self, unlocked: OffsetDateTime) {
        let unlocked = unlocked.unix_timestamp();
        self.failed
            .retain(|failed| failed.unix_timestamp() > unlocked);
        if self.failed.is_empty() {
            self.locked_until = None;
        }
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    /// The password was right: what was wrong before is forgotten.
    pub(crate) fn was_right(mut self) {
        self.outcome = Outcome::Right;
    }

    /// The password was wrong. Says until when the user is locked for new addresses, if
    /// that has come of it.
    pub(crate) fn was_wrong(mut self) -> Option<OffsetDateTime> {
        self.outcome = Outcome::Settled;
        self.lock_out.settle(self.place, self.now, Outcome::Wrong)
    }

    /// It could not be checked, which is nobody's fault out there.
    pub(crate) fn was_not_checked(mut self) {
        self.outcome = Outcome::Unknown;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Outcome::Settled = self.outcome {
            return;
        }
        self.lock_out.settle(self.place, self.now, self.outcome);
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
        let history = LoginHistory::default();
        let attempt = lock_out.begin(user, None, &history, at(seconds)).await;
        attempt.unwrap().was_wrong();
    }

    async fn begin(lock_out: &LockOut, seconds: i64) -> Attempt<'_> {
        let history = LoginHistory::default();
        lock_out
            .begin("a", None, &history, at(seconds))
            .await
            .unwrap()
    }

    async fn wait(lock_out: &LockOut, user: &str, seconds: i64) -> Option<u64> {
        let history = LoginHistory::default();
        match lock_out.begin(user, None, &history, at(seconds)).await {
            Ok(attempt) => {
                attempt.was_not_checked();
                None
            }
            Err(locked) => Some(locked.too_many.retry_after),
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
            begin(&lock_out, second).await.was_right();
        }
        assert_eq!(lock_out.rooms().made_up.len(), 0);
    }

    #[tokio::test]
    async fn hanging_up_counts_and_a_broken_database_does_not() {
        let lock_out = LockOut::new(1, WINDOW);
        for _ in 0..5 {
            begin(&lock_out, 0).await.was_not_checked();
        }
        drop(begin(&lock_out, 0).await);
        assert_eq!(wait(&lock_out, "a", 0).await, Some(600));
    }

    #[tokio::test]
    async fn without_a_number_nobody_is_locked() {
        let lock_out = LockOut::new(0, WINDOW);
        for _ in 0..100 {
            fail(&lock_out, "a", 0).await;
        }
        assert_eq!(lock_out.rooms().made_up.len(), 0);
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
                    let history = LoginHistory::default();
                    match lock_out.begin("a", None, &history, at(0)).await {
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
                    let attempt = begin(&lock_out, 0).await;
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
        for number in 0..2 * MAX_NAMES.get() {
            fail(&lock_out, &number.to_string(), 0).await;
        }
        assert_eq!(lock_out.rooms().made_up.len(), MAX_NAMES.get());
    }

    fn user() -> LoginHistory {
        LoginHistory {
            exists: true,
            ..LoginHistory::default()
        }
    }

    /// What a user is told who has logged in from this network before.
    async fn at_home(lock_out: &LockOut, seconds: i64) -> Result<Attempt<'_>, Locked> {
        let history = LoginHistory {
            from_here: Some(at(-100)),
            ..user()
        };
        lock_out
            .begin("a", Some("203.0.113.1"), &history, at(seconds))
            .await
    }

    #[tokio::test]
    async fn guesses_from_elsewhere_do_not_keep_a_user_out_at_home() {
        let lock_out = LockOut::new(2, WINDOW);
        let mut locked = None;
        for _ in 0..2 {
            let attempt = lock_out
                .begin("a", Some("198.51.100.1"), &user(), at(0))
                .await;
            locked = attempt.unwrap().was_wrong();
        }
        assert_eq!(locked, Some(at(600)));
        let refused = lock_out
            .begin("a", Some("198.51.100.2"), &user(), at(1))
            .await;
        let refused = refused.err().unwrap();
        assert_eq!(
            (refused.too_many.retry_after, refused.unwritten),
            (599, locked)
        );
        at_home(&lock_out, 1).await.unwrap().was_right();
        // That is no right password from elsewhere.
        assert!(lock_out.begin("a", None, &user(), at(1)).await.is_err());
    }

    #[tokio::test]
    async fn guesses_at_home_are_slowed_down_and_never_locked_out() {
        let lock_out = LockOut::new(3, WINDOW);
        for _ in 0..3 {
            assert_eq!(at_home(&lock_out, 0).await.unwrap().was_wrong(), None);
        }
        for round in 0..10 {
            let now = 5 * round;
            let refused = at_home(&lock_out, now + 4).await.err().unwrap();
            assert_eq!(
                (refused.too_many.retry_after, refused.unwritten),
                (1, None),
                "{round}"
            );
            let attempt = at_home(&lock_out, now + 5).await.unwrap();
            assert_eq!(attempt.was_wrong(), None);
        }
        at_home(&lock_out, 100).await.unwrap().was_right();
        // And elsewhere nobody has guessed.
        assert!(lock_out.begin("a", None, &user(), at(100)).await.is_ok());
    }

    #[tokio::test]
    async fn a_lock_that_is_written_counts_and_its_end_forgives() {
        let lock_out = LockOut::new(2, WINDOW);
        let mut history = LoginHistory {
            locked_until: Some(at(50)),
            ..user()
        };
        let refused = lock_out.begin("a", None, &history, at(20)).await;
        let refused = refused.err().unwrap();
        assert_eq!(
            (refused.too_many.retry_after, refused.unwritten),
            (30, None)
        );
        history.locked_until = None;
        for _ in 0..2 {
            let attempt = lock_out.begin("a", None, &history, at(20)).await;
            attempt.unwrap().was_wrong();
        }
        assert!(lock_out.begin("a", None, &history, at(21)).await.is_err());
        history.unlocked_at = Some(at(22));
        let attempt = lock_out.begin("a", None, &history, at(23)).await;
        attempt.unwrap().was_wrong();
        assert!(lock_out.begin("a", None, &history, at(23)).await.is_ok());
    }

    #[tokio::test]
    async fn made_up_names_do_not_push_out_the_failures_of_users() {
        let lock_out = LockOut::new(2, WINDOW);
        let attempt = lock_out.begin("a", None, &user(), at(0)).await;
        attempt.unwrap().was_wrong();
        for number in 0..=MAX_NAMES.get() {
            fail(&lock_out, &number.to_string(), 0).await;
        }
        let attempt = lock_out.begin("a", None, &user(), at(1)).await;
        assert_eq!(attempt.unwrap().was_wrong(), Some(at(601)));
    }
}
