//! The lock-out of users whose password is being guessed.
//!
//! An address that a user has logged in from before is counted apart from all others: no
//! guess from elsewhere keeps the user out there, and what is guessed there is only slowed
//! down.

#[cfg(test)]
mod tests;

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

    /// It could not be checked, for a reason on our side.
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
