//! The refusals of one worker whose requests have not come to their end.
//!
//! Envoy resets a stream that is answered before its request has ended, and some clients
//! lose the answer then. So a refusal waits for what is still to come of the request, which
//! is dropped, but not for long.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::Reply;

/// How long a refusal waits for the rest of its request, in seconds; a worker looks once
/// a second. What a slow client has sent by then is all that is waited for.
const PATIENCE: u64 = 3;

/// The refusals that wait, by the proxy's number of the stream. There are at most as many
/// as there are streams.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Rc<RefCell<HashMap<u32, Waiting>>>);

struct Waiting {
    reply: Reply,
    /// When it is given at the latest, in Unix seconds.
    due: u64,
}

/// A refusal's place among them. It is given up with the value.
pub(crate) struct Refusal {
    refusals: Refusals,
    id: u32,
}

// === impl Refusals ===

impl Refusals {
    /// The stream of this number is refused by this, later.
    pub(crate) fn enter(&self, id: u32, reply: Reply, now: u64) -> Refusal {
        let due = now.saturating_add(PATIENCE);
        self.0.borrow_mut().insert(id, Waiting { reply, due });
        Refusal {
            refusals: self.clone(),
            id,
        }
    }

    /// Takes out those that wait no longer. Whoever takes one gives it.
    pub(crate) fn take_overdue(&self, now: u64) -> Vec<(u32, Reply)> {
        let mut waiting = self.0.borrow_mut();
        let overdue = waiting.extract_if(|_, waiting| now >= waiting.due);
        overdue.map(|(id, waiting)| (id, waiting.reply)).collect()
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

// === impl Refusal ===

impl Refusal {
    /// Takes the reply, unless it was taken before.
    pub(crate) fn take(&self) -> Option<Reply> {
        let waiting = self.refusals.0.borrow_mut().remove(&self.id);
        waiting.map(|waiting| waiting.reply)
    }
}

impl Drop for Refusal {
    fn drop(&mut self) {
        self.take();
    }
}
