//! How large what Envoys get is, and what is done when it is too large.

use std::collections::BTreeSet;
use std::sync::Arc;

use cubegate_api::Document;
use cubegate_filter_config::{Carried, PartKind, RevocationKind};
use cubegate_snapshot::{ResourceType, Snapshot};
use cubegate_xds::MAX_RESOURCE_BYTES;
use tokio::sync::watch;

use super::sessions::MAX_SESSIONS_BYTES;

/// The document of sessions and tokens, as it was made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SessionsSize {
    pub(super) bytes: usize,
    /// How many entries found no room.
    pub(super) left_out: usize,
}

/// Lets through what can be sent, and tells of what comes near to what cannot.
pub(super) struct Gate {
    sizes: watch::Sender<Vec<Document>>,
    /// What was told of already.
    told: BTreeSet<String>,
}

// === impl Gate ===

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            sizes: watch::Sender::default(),
            told: BTreeSet::new(),
        }
    }

    /// Follows the sizes of what the filter is told, and of what else is near its limit.
    pub(super) fn sizes(&self) -> watch::Receiver<Vec<Document>> {
        self.sizes.subscribe()
    }

    /// `made` without what is too large to be sent: Envoys keep the former version of it,
    /// and get everything else.
    pub(super) fn pass(
        &mut self,
        made: &Snapshot,
        former: &Snapshot,
        sessions: SessionsSize,
    ) -> Snapshot {
        let mut sendable = made.clone();
        let mut sizes = Vec::new();
        let clock = Carried::Clock.filter_name();
        for kind in ResourceType::ALL {
            for (name, resource) in made.all(kind) {
                let bytes = resource.value.len();
                // Of parts of the clusters there are many; they are told of when they are large.
                let is_listed = kind == ResourceType::ExtensionConfig
                    && PartKind::of_filter(name).is_none()
                    && **name != *clock;
                if !is_listed && bytes < Document::near(MAX_RESOURCE_BYTES) {
                    continue;
                }
                let of_sessions = **name == *RevocationKind::Sessions.filter_name();
                sizes.push(match of_sessions {
                    true => Document {
                        name: name.to_string(),
                        bytes: sessions.bytes,
                        limit: MAX_SESSIONS_BYTES,
                        left_out: sessions.left_out,
                    },
                    false => Document {
                        name: name.to_string(),
                        bytes,
                        limit: MAX_RESOURCE_BYTES,
                        left_out: 0,
                    },
                });
                if bytes > MAX_RESOURCE_BYTES {
                    sendable.remove(kind, name);
                    if let Some(former) = former.get(kind, name) {
                        sendable.insert_shared(kind, Arc::clone(name), Arc::clone(former));
                    }
                }
            }
        }
        self.tell(&sizes);
        self.sizes.send_replace(sizes);
        sendable
    }

    /// A line when something comes near its limit, and another when it is beyond.
    fn tell(&mut self, sizes: &[Document]) {
        let mut told = BTreeSet::new();
        for document in sizes.iter().filter(|document| document.is_near_limit()) {
            let what = format!("{} {}", document.name, document.is_beyond_limit());
            if !self.told.contains(&what) {
                let Document {
                    name,
                    bytes,
                    limit,
                    left_out,
                } = document;
                if document.is_beyond_limit() {
                    tracing::error!(
                        document.name = name,
                        document.bytes = bytes,
                        document.limit = limit,
                        document.left_out = left_out,
                        "what Envoys are to be told is longer than what they can be sent; they keep the former version of it, or get what fits"
                    );
                } else {
                    tracing::warn!(
                        document.name = name,
                        document.bytes = bytes,
                        document.limit = limit,
                        "what Envoys are told is near the longest that they can be sent"
                    );
                }
            }
            told.insert(what);
        }
        self.told = told;
    }
}

#[cfg(test)]
mod tests {
    use cubegate_snapshot::revocations;

    use super::*;

    fn mk(kind: RevocationKind, bytes: usize) -> Snapshot {
        let resource = revocations(kind, &vec![7; bytes]);
        let mut snapshot = Snapshot::default();
        snapshot.insert_revocations(kind, Arc::new(resource));
        snapshot
    }

    fn sizes(gate: &Gate) -> Vec<(usize, bool, bool)> {
        let sizes = gate.sizes();
        let sizes = sizes.borrow();
        let size = |one: &Document| (one.bytes, one.is_near_limit(), one.is_beyond_limit());
        sizes.iter().map(size).collect()
    }

    #[test]
    fn what_cannot_be_sent_is_kept_as_it_was_and_the_rest_goes_out() {
        let mut gate = Gate::new();
        let former = mk(RevocationKind::Epochs, 10);
        let mut made = mk(RevocationKind::Epochs, MAX_RESOURCE_BYTES);
        let other = mk(RevocationKind::Sessions, 20);
        let kind = ResourceType::ExtensionConfig;
        let (name, resource) = other.all(kind).next().unwrap();
        made.insert_shared(kind, Arc::clone(name), resource.clone());
        let passed = gate.pass(&made, &former, SessionsSize::default());
        assert_eq!(passed.get(kind, name), Some(resource));
        let epochs = RevocationKind::Epochs.filter_name();
        assert_eq!(passed.get(kind, epochs), former.get(kind, epochs));
        assert!(
            sizes(&gate)
                .iter()
                .any(|(_, near, beyond)| *near && *beyond)
        );
        // Without a former version Envoys do without, and get the rest.
        let passed = gate.pass(&made, &Snapshot::default(), SessionsSize::default());
        assert_eq!(passed.get(kind, epochs), None);
        assert_eq!(passed.get(kind, name), Some(resource));
    }

    #[test]
    fn what_comes_near_its_limit_is_told_before_it_is_there() {
        let mut gate = Gate::new();
        for (bytes, left_out, expected) in [
            (MAX_SESSIONS_BYTES / 4 * 3 - 1, 0, (false, false)),
            (MAX_SESSIONS_BYTES / 4 * 3, 0, (true, false)),
            (MAX_SESSIONS_BYTES - 4, 1, (true, true)),
        ] {
            let size = SessionsSize { bytes, left_out };
            let made = mk(RevocationKind::Sessions, 5);
            gate.pass(&made, &Snapshot::default(), size);
            assert_eq!(sizes(&gate), [(bytes, expected.0, expected.1)]);
        }
    }
}
