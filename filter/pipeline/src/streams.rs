//! The exchanges of one worker that go on for long: watches, logs, exec, port-forward.
//!
//! A token is looked at when a request comes, and such a request outlives many things
//! that are said of tokens later. So what it began with is kept here, and looked at
//! again and again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use cubegate_token::CLOCK_SKEW_SECONDS;

use crate::revocation::{Revocations, TokenMarks};
use crate::verify::Caller;

/// The long exchanges under way, by the proxy's number of the stream. There are as
/// many as there are streams.
#[derive(Clone, Default)]
pub(crate) struct Streams(Rc<RefCell<HashMap<u32, Open>>>);

struct Open {
    marks: TokenMarks,
    /// When its token is over, in Unix seconds.
    expires_at: u64,
    /// When it began, in seconds of the steady clock.
    since: u64,
}

/// A long exchange's place among them. It is given up with the value.
pub(crate) struct Place {
    streams: Streams,
    id: u32,
}

// === impl Streams ===

impl Streams {
    /// The stream of this number goes on for long, for this caller.
    pub(crate) fn enter(&self, id: u32, caller: &Caller, steady: u64) -> Place {
        let open = Open {
            marks: *caller.marks(),
            // As long as the token is taken for a new request.
            expires_at: caller
                .claims()
                .expires_at
                .saturating_add(CLOCK_SKEW_SECONDS),
            since: steady,
        };
        self.0.borrow_mut().insert(id, open);
        Place {
            streams: self.clone(),
            id,
        }
    }

    /// Those that must end now: a new request with their token would be refused, or
    /// they have lasted as long as a stream may (`max_seconds`, 0 is for ever). The times are
    /// [`Host::now`](crate::Host::now) and [`Host::steady`](crate::Host::steady).
    pub(crate) fn overdue(
        &self,
        (now, steady): (u64, u64),
        max_seconds: u64,
        revocations: &Revocations,
    ) -> Vec<u32> {
        // While it is not known what was taken back, nothing is.
        let are_known = revocations.are_known();
        let is_overdue = |open: &Open| {
            let too_long = max_seconds > 0 && steady >= open.since.saturating_add(max_seconds);
            now >= open.expires_at || too_long || (are_known && revocations.holds(&open.marks))
        };
        let open = self.0.borrow();
        let overdue = open.iter().filter(|(_, open)| is_overdue(open));
        overdue.map(|(id, _)| *id).collect()
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.0.borrow_mut().remove(&self.id);
    }
}
