//! Which snapshot Envoy has all of, although newer ones come before it has answered.
//!
//! Where something changes ten times a second, Envoy hardly ever has all of the newest one; whoever waits for
//! a change of his own waits for the others' then.

use std::collections::BTreeMap;
use std::sync::Arc;

use cubegate_snapshot::{ResourceType, Snapshot};

/// What is followed at most: an Envoy that has nothing yet is sent thousands, and is done when it has
/// everything.
const MAX_OPEN: usize = 256;

/// What is still to be answered: from which response on an answer is one to it.
pub(super) type Open = BTreeMap<(ResourceType, Arc<str>), u64>;

/// How far Envoy has come.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The newest snapshot of which it has answered everything.
    reached: Option<Arc<Snapshot>>,
    /// One after that of which it has not.
    awaited: Option<Arc<Snapshot>>,
    /// What of that it has not answered.
    left: Open,
}

// === impl Reach ===

impl Reach {
    /// Returns the newest snapshot of which Envoy has answered everything, in that version or in a
    /// newer one.
    pub(super) fn reached(&self) -> Option<&Arc<Snapshot>> {
        self.reached.as_ref()
    }

    /// Envoy has answered everything.
    pub(super) fn settle(&mut self, newest: &Arc<Snapshot>) {
        self.reached = Some(Arc::clone(newest));
        self.awaited = None;
        self.left.clear();
    }

    /// Envoy has answered for this with the response of that number.
    pub(super) fn answered(&mut self, kind: ResourceType, name: &Arc<str>, response: u64) {
        let key = (kind, Arc::clone(name));
        if self.left.get(&key).is_some_and(|from| *from <= response) {
            self.left.remove(&key);
        }
    }

    /// Looks how far it is. `open` is everything that is to be said of the newest snapshot, or said
    /// and not answered; there is so much of it.
    pub(super) fn look(
        &mut self,
        newest: &Arc<Snapshot>,
        count: usize,
        open: impl FnOnce() -> Open,
    ) {
        // What it has never had it is sent as a whole.
        if self.reached.is_none() || count > MAX_OPEN {
            self.awaited = None;
            return;
        }
        let open = open();
        // It may have lost interest in something.
        self.left.retain(|key, _| open.contains_key(key));
        if self.left.is_empty() {
            if let Some(awaited) = self.awaited.take() {
                self.reached = Some(awaited);
            }
            self.awaited = Some(Arc::clone(newest));
            self.left = open;
        }
    }
}
