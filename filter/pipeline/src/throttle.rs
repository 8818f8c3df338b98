//! How much one caller may ask: requests in a second, and requests at the same time.
//!
//! ```text
//! Claims ──admit──> Ticket (held by the exchange to its end)
//!                     ├── counts as one open request, a watch for as long as it lasts
//!                     └── bill: what a list cost is known only when it has been read
//! ```
//!
//! Each worker of Envoy counts for itself: a connection stays on one worker, and what
//! workers would have to tell one another at each request would cost more than most
//! requests. So a limit is what one connection gets, and many connections get it at
//! most as often as there are workers.
//!
//! Only a caller whose token has been verified has an account, so made-up names
//! neither fill the table nor push anybody out of it.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use cubegate_filter_config::CallerLimits;
use cubegate_token::{Claims, KeyLimits};
use lru::LruCache;

/// Most accounts that a worker keeps, about 150 bytes each.
const MAX_ACCOUNTS: usize = 8_192;

/// How many of the longest unused accounts are looked at for one without open
/// requests, before one goes that has some.
const LOOKED_AT: usize = 8;

/// What of a list counts as one request more, in bytes: a worker takes about as long to
/// read it as to pass a small request on.
const LIST_UNIT: u64 = 256 << 10;

/// Longest time by which what lists have cost keeps an account closed, in µs.
const MAX_DEBT: u64 = 60_000_000;

const SECOND: u64 = 1_000_000;

/// The accounts of one worker; clones are the same ones.
#[derive(Clone)]
pub(crate) struct Throttle(Rc<RefCell<LruCache<String, Rc<Account>>>>);

/// What one user or key has asked.
#[derive(Debug, Default)]
struct Account {
    /// When all that was asked would have been asked at the rate that is allowed, in
    /// µs of the steady clock (a generic cell rate algorithm's theoretical arrival time).
    paid_until: Cell<u64>,
    /// Requests that have not ended.
    open: Cell<u32>,
}

/// One open request. It ends with the value.
#[derive(Debug)]
pub(crate) struct Ticket {
    user: Rc<str>,
    entries: Vec<Entry>,
    /// Bytes of lists that are no unit yet.
    rest: Cell<u64>,
}

/// A request in one account.
#[derive(Debug)]
struct Entry {
    account: Rc<Account>,
    /// One request in µs; 0 when nothing bounds the rate.
    interval: u64,
    burst: u64,
}

/// What bounds one account.
struct Bound {
    whose: Whose,
    name: String,
    rate: u32,
    concurrent: u32,
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    User,
    Key,
}

/// Why a request is not admitted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// More in a second than this.
    Rate {
        whose: Whose,
        limit: u32,
        /// When one will be admitted again, in seconds, at least 1.
        retry_after: u64,
    },
    /// More at the same time than this.
    Concurrent { whose: Whose, limit: u32 },
}

// === impl Throttle ===

impl Default for Throttle {
    fn default() -> Self {
        let size = NonZeroUsize::new(MAX_ACCOUNTS).unwrap_or(NonZeroUsize::MIN);
        Self(Rc::new(RefCell::new(LruCache::new(size))))
    }
}

impl Throttle {
    /// Counts one request more of this caller, if there may be one. `now` is in µs of the
    /// steady clock.
    pub(crate) fn admit(
        &self,
        limits: &CallerLimits,
        claims: &Claims,
        now: u64,
    ) -> Result<Ticket, TooMany> {
        let mut entries = Vec::new();
        for bound in bounds(limits, claims) {
            let account = self.account(bound.name);
            let interval = match bound.rate {
                0 => 0,
                rate => SECOND.div_ceil(u64::from(rate)),
            };
            let entry = Entry {
                account,
                interval,
                burst: u64::from(limits.burst_seconds.max(1)).saturating_mul(SECOND),
            };
            let open = entry.account.open.get();
            if bound.concurrent > 0 && open >= bound.concurrent {
                return Err(TooMany::Concurrent {
                    whose: bound.whose,
                    limit: bound.concurrent,
                });
            }
            if let Some(wait) = entry.wait(now) {
                return Err(TooMany::Rate {
                    whose: bound.whose,
                    limit: bound.rate,
                    retry_after: wait.div_ceil(SECOND).max(1),
                });
            }
            entries.push(entry);
        }
        // Only now: what is refused in one account counts in none.
        for entry in &entries {
            let open = &entry.account.open;
            open.set(open.get().saturating_add(1));
            entry.pay(1, now);
        }
        Ok(Ticket {
            user: claims.user.as_str().into(),
            entries,
            rest: Cell::new(0),
        })
    }

    fn account(&self, name: String) -> Rc<Account> {
        let mut accounts = self.0.borrow_mut();
        if let Some(account) = accounts.get(&name) {
            return Rc::clone(account);
        }
        if accounts.len() >= accounts.cap().get() {
            // One that is in use is not forgotten while there are others.
            for _ in 0..LOOKED_AT {
                match accounts.peek_lru() {
                    Some((busy, account)) if account.open.get() > 0 => {
                        let busy = busy.clone();
                        accounts.promote(&busy);
                    }
                    _ => break,
                }
            }
        }
        let account = Rc::new(Account::default());
        accounts.put(name, Rc::clone(&account));
        account
    }

    #[cfg(test)]
    pub(crate) fn open(&self, name: &str) -> Option<u32> {
        let accounts = self.0.borrow();
        accounts.peek(name).map(|account| account.open.get())
    }
}

/// Returns what bounds this caller. A key with limits of its own is counted by those alone:
/// whoever runs the gateway has said what it may.
fn bounds(limits: &CallerLimits, claims: &Claims) -> Vec<Bound> {
    let own = claims.limits.unwrap_or(KeyLimits::NONE);
    let user = Bound {
        whose: Whose::User,
        name: format!("user {}", claims.user),
        rate: limits.requests_per_user,
        concurrent: limits.concurrent_per_user,
    };
    let key = claims.access_key.as_ref().map(|key| Bound {
        whose: Whose::Key,
        name: format!("key {key}"),
        rate: own.requests_per_second.unwrap_or(limits.requests_per_key),
        concurrent: own.concurrent.unwrap_or(limits.concurrent_per_key),
    });
    let user = (own == KeyLimits::NONE || key.is_none()).then_some(user);
    [user, key]
        .into_iter()
        .flatten()
        .filter(|bound| bound.rate > 0 || bound.concurrent > 0)
        .collect()
}

// === impl Entry ===

impl Entry {
    /// Returns how long the next request has to wait, in µs.
    fn wait(&self, now: u64) -> Option<u64> {
        if self.interval == 0 {
            return None;
        }
        let next = self.account.paid_until.get().max(now);
        let ahead = next.saturating_add(self.interval).saturating_sub(now);
        // However low the rate is, one request is always allowed by itself.
        let burst = self.burst.max(self.interval);
        ahead.checked_sub(burst).filter(|wait| *wait > 0)
    }

    fn pay(&self, requests: u64, now: u64) {
        if self.interval == 0 {
            return;
        }
        let cost = self.interval.saturating_mul(requests);
        let paid_until = self.account.paid_until.get().max(now).saturating_add(cost);
        let latest = now.saturating_add(self.burst).saturating_add(MAX_DEBT);
        self.account.paid_until.set(paid_until.min(latest));
    }
}

// === impl Ticket ===

impl Ticket {
    /// Whose request it is.
    pub(crate) fn user(&self) -> &Rc<str> {
        &self.user
    }

    /// The caller has made the gateway read so much of a list more. `now` gives µs of the steady clock.
    pub(crate) fn bill_list(&self, bytes: usize, now: impl FnOnce() -> u64) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let read = self.rest.get().saturating_add(bytes);
        self.rest.set(read % LIST_UNIT);
        self.bill(read / LIST_UNIT, now);
    }

    /// The gateway has asked a cluster for the caller so often more. `now` gives µs of the steady clock.
    pub(crate) fn bill(&self, requests: u64, now: impl FnOnce() -> u64) {
        if requests > 0 && !self.entries.is_empty() {
            let now = now();
            for entry in &self.entries {
                entry.pay(requests, now);
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        for entry in &self.entries {
            let open = &entry.account.open;
            open.set(open.get().saturating_sub(1));
        }
    }
}

// === impl TooMany ===

impl TooMany {
    /// Returns when to try again, in seconds.
    pub(crate) fn retry_after(self) -> u64 {
        match self {
            Self::Rate { retry_after, .. } => retry_after,
            // Nobody knows when one ends.
            Self::Concurrent { .. } => 1,
        }
    }
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = |whose| match whose {
            Whose::User => "user",
            Whose::Key => "access key",
        };
        match *self {
            Self::Rate {
                whose: of, limit, ..
            } => write!(
                f,
                "Too many requests of this {}: the gateway takes {limit} in a second, and counts a large list as several; try again later.",
                whose(of)
            ),
            Self::Concurrent { whose: of, limit } => write!(
                f,
                "This {} has {limit} requests open at the gateway, which are all that it may; end some of its watches and streams, or try again later.",
                whose(of)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
