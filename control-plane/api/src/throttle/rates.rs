//! Rates by user and by address.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::throttle::TooMany;

/// After so many checks the keys that are as good as new are forgotten.
const SWEEP_EVERY: u32 = 4096;

/// Most keys that are counted at a time; some 60 bytes each. Who comes then waits.
const MAX_KEYS: usize = 1 << 17;

/// One rate by user and one by address.
pub(super) struct Rates<C: Clock = MonotonicClock> {
    by_user: Option<Rate<u64, C>>,
    by_address: Option<Rate<IpAddr, C>>,
    /// Names are of any length and the client's; what is kept of them is not.
    names: RandomState,
}

struct Rate<K, C>
where
    K: std::hash::Hash + Eq + Clone,
    C: Clock,
{
    limiter: RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    checks: AtomicU32,
}

// === impl Rates ===

impl Rates {
    /// So many per minute, and at most `burst` at a time; 0 is no bound.
    pub(super) fn new(per_user: u32, per_address: u32, burst: u32) -> Self {
        Self::with_clock(per_user, per_address, burst, &MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(per_user: u32, per_address: u32, burst: u32, clock: &C) -> Self {
        Self {
            by_user: Rate::new(per_user, burst, clock),
            by_address: Rate::new(per_address, burst, clock),
            names: RandomState::new(),
        }
    }

    /// Counts one, for the address first: one address must not use up what many
    /// users may.
    pub(super) fn check(&self, user: &str, address: Option<IpAddr>) -> Result<(), TooMany> {
        self.check_address(address)?;
        self.check_user(user)
    }

    /// Counts one for an address alone.
    pub(super) fn check_address(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        match (&self.by_address, address) {
            (Some(rate), Some(address)) => rate.check(&network(address)),
            _ => Ok(()),
        }
    }

    /// Counts one for a user alone.
    pub(super) fn check_user(&self, user: &str) -> Result<(), TooMany> {
        match &self.by_user {
            Some(rate) => rate.check(&self.names.hash_one(user)),
            None => Ok(()),
        }
    }

    /// Counts one of a user who has been at this address before. Neither what others do
    /// from there nor what they do in its name from elsewhere counts against it.
    pub(super) fn check_known(&self, user: &str, address: IpAddr) -> Result<(), TooMany> {
        match &self.by_user {
            Some(rate) => rate.check(&self.names.hash_one((user, network(address)))),
            None => Ok(()),
        }
    }
}

/// Whose an address is: whoever has one IPv6 address has its whole /64 (RFC 4291 2.5.4),
/// and an IPv4 address may be written as one of IPv6 (2.5.5.2).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

// === impl Rate ===

impl<K, C> Rate<K, C>
where
    K: std::hash::Hash + Eq + Clone,
    C: Clock + Clone,
{
    fn new(per_minute: u32, burst: u32, clock: &C) -> Option<Self> {
        let per_minute = NonZeroU32::new(per_minute)?;
        let burst = NonZeroU32::new(burst).unwrap_or(per_minute);
        let quota = Quota::per_minute(per_minute).allow_burst(burst.min(per_minute));
        Some(Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock: clock.clone(),
            checks: AtomicU32::new(0),
        })
    }

    fn check(&self, key: &K) -> Result<(), TooMany> {
        let number = self.checks.fetch_add(1, Ordering::Relaxed);
        if number % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        if self.limiter.len() >= MAX_KEYS {
            return Err(TooMany { retry_after: 1 });
        }
        self.limiter
            .check_key(key)
            .map_err(|refused| TooMany::until(refused.wait_time_from(self.clock.now())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_user_and_an_address_have_rates_of_their_own() {
        let clock = FakeRelativeClock::default();
        let rates = Rates::with_clock(2, 4, 0, &clock);
        let one = address("203.0.113.1");
        assert_eq!(rates.check("a", one), Ok(()));
        assert_eq!(rates.check("a", one), Ok(()));
        // Half a minute brings one back.
        assert_eq!(rates.check("a", one), Err(TooMany { retry_after: 30 }));
        assert_eq!(rates.check("b", one), Ok(()));
        // Of the four of this address one went to the refused try.
        assert_eq!(rates.check("c", one), Err(TooMany { retry_after: 15 }));
        assert_eq!(rates.check("c", address("203.0.113.2")), Ok(()));
        assert_eq!(rates.check("c", None), Ok(()));
        clock.advance(Duration::from_secs(30));
        assert_eq!(rates.check("a", one), Ok(()));
    }

    #[test]
    fn a_burst_is_shorter_than_a_minutes_worth() {
        let clock = FakeRelativeClock::default();
        let rates = Rates::with_clock(0, 600, 10, &clock);
        let one = address("203.0.113.1");
        for number in 0..10 {
            assert_eq!(rates.check(&number.to_string(), one), Ok(()));
        }
        assert_eq!(rates.check("a", one), Err(TooMany { retry_after: 1 }));
        clock.advance(Duration::from_millis(100));
        assert_eq!(rates.check("a", one), Ok(()));
    }

    #[test]
    fn whoever_was_there_before_is_counted_apart() {
        let rates = Rates::with_clock(2, 2, 10, &FakeRelativeClock::default());
        let one = address("203.0.113.1");
        for name in ["a", "a", "b"] {
            let _ = rates.check(name, one);
        }
        assert!(rates.check("a", one).is_err());
        assert!(rates.check("a", address("203.0.113.2")).is_err());
        for _ in 0..2 {
            assert_eq!(rates.check_known("a", one.unwrap()), Ok(()));
        }
        assert!(rates.check_known("a", one.unwrap()).is_err());
        assert_eq!(rates.check_known("b", one.unwrap()), Ok(()));
    }

    #[test]
    fn addresses_of_one_subscriber_count_as_one() {
        let rates = Rates::with_clock(0, 1, 0, &FakeRelativeClock::default());
        assert_eq!(rates.check("a", address("2001:db8::1")), Ok(()));
        assert!(rates.check("b", address("2001:db8::ffff:1")).is_err());
        assert_eq!(rates.check("b", address("2001:db8:0:1::1")), Ok(()));
        // IPv4 in the clothes of IPv6 is no /64 of everybody's.
        assert_eq!(rates.check("a", address("::ffff:203.0.113.1")), Ok(()));
        assert!(rates.check("b", address("203.0.113.1")).is_err());
        assert_eq!(rates.check("c", address("::ffff:203.0.113.2")), Ok(()));
    }

    #[test]
    fn no_rate_is_no_bound() {
        let rates = Rates::with_clock(0, 0, 0, &FakeRelativeClock::default());
        for _ in 0..10_000 {
            assert_eq!(rates.check("a", address("203.0.113.1")), Ok(()));
        }
    }

    #[test]
    fn what_is_as_good_as_new_is_forgotten() {
        let clock = FakeRelativeClock::default();
        let rates = Rates::with_clock(1, 0, 0, &clock);
        for number in 0..SWEEP_EVERY - 1 {
            rates.check(&number.to_string(), None).unwrap();
        }
        clock.advance(Duration::from_secs(121));
        rates.check("last", None).unwrap();
        assert_eq!(rates.by_user.unwrap().limiter.len(), 1);
    }

    #[test]
    fn there_are_never_more_keys_than_memory_is_for() {
        let rates = Rates::with_clock(1, 0, 0, &FakeRelativeClock::default());
        let refused = (0..MAX_KEYS + 10)
            .filter(|number| rates.check(&number.to_string(), None).is_err())
            .count();
        assert_eq!(refused, 10);
    }
}
