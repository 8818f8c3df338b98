//! How large what Envoys get is, and what is done when it is too large.

use std::collections::BTreeSet;
use std::sync::Arc;

use cubegate_api::Document;
use cubegate_filter_config::{Carried, PartKind, RevocationKind, RevocationPart};
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
        for list in RevocationKind::ALL {
            let bytes = bytes_of(list, made);
            sizes.push(match list {
                RevocationKind::Sessions => Document {
                    name: list.filter_name().to_owned(),
                    bytes: sessions.bytes,
                    limit: MAX_SESSIONS_BYTES,
                    left_out: sessions.left_out,
                },
                RevocationKind::Epochs => of_size(list.filter_name(), bytes),
            });
            if bytes > MAX_RESOURCE_BYTES {
                for part in RevocationPart::of(list) {
                    let kind = ResourceType::ExtensionConfig;
                    keep(&mut sendable, former, kind, &part.filter_name().into());
                }
            }
        }
        let clock = Carried::Clock.filter_name();
        for kind in ResourceType::ALL {
            for (name, resource) in made.all(kind) {
                let bytes = resource.value.len();
                // Of parts there are many; those of the clusters are told of when they are large.
                let is_listed = kind == ResourceType::ExtensionConfig
                    && PartKind::of_filter(name).is_none()
                    && RevocationPart::of_filter(name).is_none()
                    && **name != *clock;
                if is_listed || bytes >= Document::near(MAX_RESOURCE_BYTES) {
                    sizes.push(of_size(name, bytes));
                }
                if bytes > MAX_RESOURCE_BYTES {
                    keep(&mut sendable, former, kind, name);
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

/// Lets Envoys keep what they were told of this before, or do without.
fn keep(sendable: &mut Snapshot, former: &Snapshot, kind: ResourceType, name: &Arc<str>) {
    sendable.remove(kind, name);
    if let Some(former) = former.get(kind, name) {
        sendable.insert_shared(kind, Arc::clone(name), Arc::clone(former));
    }
}

/// How long all parts of a list are together.
fn bytes_of(list: RevocationKind, made: &Snapshot) -> usize {
    let parts = RevocationPart::of(list).map(RevocationPart::filter_name);
    let parts = parts.filter_map(|name| made.get(ResourceType::ExtensionConfig, &name));
    parts.map(|part| part.value.len()).sum()
}

fn of_size(name: &str, bytes: usize) -> Document {
    Document {
        name: name.to_owned(),
        bytes,
        limit: MAX_RESOURCE_BYTES,
        left_out: 0,
    }
}

#[cfg(test)]
mod tests {
    use cubegate_snapshot::revocations;

    use super::*;

    /// All parts of a list, with so many bytes in two of them together.
    fn mk(list: RevocationKind, bytes: usize) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for part in RevocationPart::of(list) {
            let bytes = if part.number() < 2 { bytes / 2 } else { 0 };
            let resource = revocations(part, &vec![7; bytes]);
            snapshot.insert_revocations(part, Arc::new(resource));
        }
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
        // No part of it is too long by itself, but an Envoy has all of them.
        let parts = RevocationPart::of(RevocationKind::Epochs);
        let parts: Vec<String> = parts.map(RevocationPart::filter_name).collect();
        for part in &parts {
            assert_eq!(passed.get(kind, part), former.get(kind, part));
        }
        assert!(
            sizes(&gate)
                .iter()
                .any(|(_, near, beyond)| *near && *beyond)
        );
        // Without a former version Envoys do without, and get the rest.
        let passed = gate.pass(&made, &Snapshot::default(), SessionsSize::default());
        for part in &parts {
            assert_eq!(passed.get(kind, part), None);
        }
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
            assert_eq!(sizes(&gate)[1], (bytes, expected.0, expected.1));
        }
    }
}
