//! How often somebody may try: rates by user and by address, and the lock-out of
//! users whose password is being guessed.
//!
//! The counts are in this process's memory, and bounded: several control planes on one
//! database count for themselves, and a restart forgets. Where users have logged in from
//! and who is locked is in the database.

mod lock_out;
mod rates;

use std::net::IpAddr;
use std::time::Duration;

use cubegate_token::Claims;

pub(crate) use self::lock_out::{LockOut, Locked};
use self::rates::Rates;
pub use self::rates::network;

/// So many logins may come at once, of one user or from one address; each costs some
/// 30 ms of a core, and the rate counts for the next ones.
const LOGIN_BURST: u32 = 10;

/// What is too often. A rate of 0 is no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleSettings {
    /// Logins with a password of one user, per minute.
    pub logins_per_user: u32,
    /// The same from one address; of IPv6 from one /64.
    pub logins_per_address: u32,
    /// Tokens made from one access key, or refreshed by one user, per minute.
    pub tokens_per_user: u32,
    /// The same from one address.
    pub tokens_per_address: u32,
    /// Changes by the API of one user, who does not administer the gateway, per minute.
    pub changes_per_user: u32,
    /// So many wrong passwords within [`lock_window`](Self::lock_window) lock a user for
    /// addresses that it has not logged in from before; 0 locks nobody.
    pub lock_failures: u32,
    /// How long failures count, and how long a user is locked then.
    pub lock_window: Duration,
}

/// Counts and refuses.
pub struct Throttle {
    logins: Rates,
    tokens: Rates,
    changes: Rates,
    /// Users whose password is being guessed.
    pub(crate) lock_out: LockOut,
}

/// Somebody has tried too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How long to wait, whole seconds, at least one.
    pub(crate) retry_after: u64,
}

// === impl ThrottleSettings ===

impl ThrottleSettings {
    /// Enough for people, programs and the office behind one address; the lock-out
    /// is that of KubeSphere's installers.
    pub const DEFAULT: Self = Self {
        logins_per_user: 120,
        logins_per_address: 600,
        tokens_per_user: 6_000,
        tokens_per_address: 60_000,
        changes_per_user: 300,
        lock_failures: 10,
        lock_window: Duration::from_mins(10),
    };
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

// === impl Throttle ===

impl Throttle {
    /// Counts from nothing.
    pub fn new(settings: &ThrottleSettings) -> Self {
        Self {
            logins: Rates::new(
                settings.logins_per_user,
                settings.logins_per_address,
                LOGIN_BURST,
            ),
            // Programs come all at once, and a token costs next to nothing.
            tokens: Rates::new(settings.tokens_per_user, settings.tokens_per_address, 0),
            changes: Rates::new(settings.changes_per_user, 0, 0),
            lock_out: LockOut::new(settings.lock_failures, settings.lock_window),
        }
    }

    /// Counts a login with a password. `known`: the user has logged in from there
    /// before.
    pub(crate) fn login(
        &self,
        user: &str,
        address: Option<IpAddr>,
        known: bool,
    ) -> Result<(), TooMany> {
        match address.filter(|_| known) {
            Some(address) => self.logins.check_known(user, address),
            None => self.logins.check(user, address),
        }
    }

    /// Counts a token made from a refresh token.
    pub(crate) fn token(&self, user: &str, address: Option<IpAddr>) -> Result<(), TooMany> {
        self.tokens.check(user, address)
    }

    /// Counts that an address asks for a token of an access key, whether the secret is
    /// the key's or not.
    pub(crate) fn key_token_asked(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        self.tokens.check_address(address)
    }

    /// Counts a token made from an access key, whose secret was the right one.
    pub(crate) fn key_token(&self, access_key: &str) -> Result<(), TooMany> {
        self.tokens.check_user(access_key)
    }

    /// Counts a wrong secret of an access key, for the address alone: whoever knows only
    /// the key's name must not keep its owner from making tokens.
    pub(crate) fn wrong_secret(
        &self,
        access_key: &str,
        address: Option<IpAddr>,
    ) -> Result<(), TooMany> {
        match address {
            Some(address) => self.tokens.check_known(access_key, address),
            None => Ok(()),
        }
    }

    /// Counts a change by the API. Each is a record that is kept for long, and takes the
    /// database's only writer for a moment.
    pub(crate) fn change(&self, user: &str) -> Result<(), TooMany> {
        self.changes.check_user(user)
    }

    /// Counts a token that is taken back, which costs no less than to make one: a key's
    /// with the tokens that are made from it, others' with those of their user.
    pub(crate) fn take_back(
        &self,
        claims: &Claims,
        address: Option<IpAddr>,
    ) -> Result<(), TooMany> {
        let by = claims.access_key.as_ref().unwrap_or(&claims.user);
        self.tokens.check(by, address)
    }
}

// === impl TooMany ===

impl TooMany {
    pub(crate) fn until(wait: Duration) -> Self {
        let whole = wait.as_secs();
        let rounded = whole.saturating_add(u64::from(wait.subsec_nanos() > 0));
        Self {
            retry_after: rounded.max(1),
        }
    }
}
