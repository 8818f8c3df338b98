//! What one worker has counted. Requests add to numbers in its memory alone; once a second
//! whoever runs the pipeline hands on by how much they have grown, so that no request makes
//! a call into the proxy for it.

use std::cell::Cell;
use std::rc::Rc;

use cubegate_token::TokenError;

/// The counters of one worker; clones are the same ones.
#[derive(Clone)]
pub struct Meters(Rc<[Cell<u64>; COUNTERS]>);

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $stat:literal,)+) => {
        /// Something that is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $($(#[doc = $doc])+ $name,)+
        }

        /// Their names, in the same order.
        const NAMES: &[&str] = &[$($stat),+];
    };
}

// A label and its value stand behind the name: `name.label.value`. The bootstrap's
// `stats_tags` take them out again.
counters! {
    /// Requests for a cluster whose caller was known by a token.
    Verified = "verified_total",
    /// Tokens that were known already.
    CacheHit = "token_cache_total.result.hit",
    /// Tokens whose signature had to be checked.
    CacheMiss = "token_cache_total.result.miss",
    /// Pages of lists that were read in one piece.
    PagedPlain = "lists_paged_total.strategy.plain",
    /// Pages of which the API server sent the beginning alone.
    PagedHead = "lists_paged_total.strategy.head",
    /// Pages for which metadata was read first.
    PagedKeys = "lists_paged_total.strategy.keys",
    /// Items of lists that were read.
    ItemsScanned = "list_items_scanned_total",
    /// Items of them that were still held when their list had ended.
    ItemsKept = "list_items_kept_total",
    /// Bytes of lists that were read.
    ListBytesRead = "list_read_bytes_total",
    /// Bytes of pages that were answered with.
    ListBytesSent = "list_sent_bytes_total",
    /// No credential.
    Unauthenticated = "refused_total.reason.unauthenticated",
    /// The token has expired.
    TokenExpired = "refused_total.reason.token_expired",
    /// The token was taken back.
    TokenRevoked = "refused_total.reason.token_revoked",
    /// The token is not valid for another reason.
    TokenInvalid = "refused_total.reason.token_invalid",
    /// Clocks are too far apart.
    ClockSkew = "refused_total.reason.clock_skew",
    /// The password is wrong.
    Password = "refused_total.reason.password",
    /// Another site's page asks.
    CrossSite = "refused_total.reason.cross_site",
    /// The access key is not for this.
    OutOfScope = "refused_total.reason.out_of_scope",
    /// Somebody may not be impersonated.
    Impersonation = "refused_total.reason.impersonation",
    /// Any other 403.
    Forbidden = "refused_total.reason.forbidden",
    /// No such cluster or resource.
    NotFound = "refused_total.reason.not_found",
    /// The request cannot be read or makes no sense.
    Malformed = "refused_total.reason.malformed",
    /// More in a second than a caller may.
    ThrottledRate = "refused_total.reason.throttled_rate",
    /// More at the same time than a caller may.
    ThrottledOpen = "refused_total.reason.throttled_open",
    /// Too many tries with a password.
    ThrottledPassword = "refused_total.reason.throttled_password",
    /// The lists of this worker leave no memory.
    BudgetWorker = "refused_total.reason.budget_worker",
    /// The lists of this user leave no memory.
    BudgetUser = "refused_total.reason.budget_user",
    /// The page is too large.
    BudgetPage = "refused_total.reason.budget_page",
    /// The query makes too much work of the list.
    BudgetWork = "refused_total.reason.budget_work",
    /// Pages that nobody takes leave no room.
    BudgetUnsent = "refused_total.reason.budget_unsent",
    /// The filter has no configuration, or does not know something else yet.
    NotReady = "refused_total.reason.not_ready",
    /// The control plane was not heard of for too long.
    Stale = "refused_total.reason.stale",
    /// The member does not answer, which is known already.
    MemberDown = "refused_total.reason.member_down",
    /// The upstream did not answer, or not as it should.
    Upstream = "refused_total.reason.upstream",
    /// A fault of the gateway's.
    Internal = "refused_total.reason.internal",
}

const COUNTERS: usize = NAMES.len();

// === impl Meters ===

impl Meters {
    /// One more.
    pub(crate) fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// So many more.
    pub(crate) fn add(&self, counter: Counter, more: u64) {
        if let Some(cell) = self.0.get(counter as usize) {
            cell.set(cell.get().saturating_add(more));
        }
    }

    /// The names of all counters, each without what stands before all of them.
    pub fn names() -> &'static [&'static str] {
        NAMES
    }

    /// Takes what has come together since the last time: the place of each counter that
    /// has grown among [`names`](Self::names), and by how much.
    pub fn take(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let cells = self.0.iter().enumerate();
        cells
            .map(|(at, cell)| (at, cell.take()))
            .filter(|(_, grown)| *grown > 0)
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self(Rc::new([const { Cell::new(0) }; COUNTERS]))
    }
}

// === impl Counter ===

impl Counter {
    /// Returns what a refusal with this status is counted as, when nothing better is known.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            ..400 => return None,
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            429 => Self::ThrottledRate,
            400..500 => Self::Malformed,
            500 => Self::Internal,
            503 => Self::NotReady,
            507 => Self::BudgetPage,
            _ => Self::Upstream,
        })
    }

    /// The same of a token.
    pub(crate) fn of_token(why: &TokenError) -> Self {
        match why {
            TokenError::Expired => Self::TokenExpired,
            TokenError::Revoked => Self::TokenRevoked,
            TokenError::ClockSkew => Self::ClockSkew,
            _ => Self::TokenInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_not_there_any_more() {
        let meters = Meters::default();
        meters.count(Counter::Verified);
        meters.clone().add(Counter::Internal, 3);
        let taken: Vec<_> = meters.take().collect();
        assert_eq!(taken, [(0, 1), (COUNTERS - 1, 3)]);
        assert_eq!(meters.take().count(), 0);
    }

    #[test]
    fn names_are_those_that_the_bootstrap_reads() {
        for name in Meters::names() {
            let mut parts = name.split('.');
            assert!(parts.next().unwrap().ends_with("_total"), "{name}");
            assert!(matches!(parts.count(), 0 | 2), "{name}");
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.');
            assert!(name.chars().all(plain), "{name}");
        }
    }
}
