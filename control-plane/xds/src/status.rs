//! Who is connected and how far each Envoy is, for the admin page and the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use cubegate_snapshot::{ResourceType, Snapshot};
use tokio::sync::watch;

use crate::session::{Event, Node, Session};

/// How many resource names a log line carries.
const MAX_LOGGED_NAMES: usize = 10;

/// The Envoys that are connected now, by the number of their stream. A value
/// that was taken out does not change; watch for the next one.
pub type Envoys = Arc<BTreeMap<u64, EnvoyStatus>>;

/// One connected Envoy.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvoyStatus {
    /// Who it says it is.
    pub node: Node,
    /// Where it calls from, if that is known.
    pub peer: Option<SocketAddr>,
    /// When its stream began.
    pub connected_at: SystemTime,
    /// What it has accepted last, by type.
    pub accepted: BTreeMap<ResourceType, Accepted>,
    /// What it has refused last on this stream. It may have accepted a newer
    /// version since: compare the times.
    pub last_refusal: Option<Refusal>,
    /// What it refuses to have now, and why, in its words.
    pub refuses: Refuses,
    /// The newest snapshot of which it has everything else, maybe in a newer version.
    pub reached: Option<Arc<Snapshot>>,
}

/// The reason by type and name of a resource.
pub type Refuses = BTreeMap<(ResourceType, String), String>;

/// A response that an Envoy has taken (an ACK).
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// A digest over all resources of the type. Two Envoys with the same one
    /// have the same resources.
    pub version: String,
    /// How many resources of the type Envoy has.
    pub resources: usize,
    /// When the answer came.
    pub at: SystemTime,
}

/// A response that an Envoy has refused (a NACK).
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The type of its resources.
    pub kind: ResourceType,
    /// The version of the type that was refused; empty if the answer was stale.
    pub version: String,
    /// The resources in the response, the bad one among them.
    pub names: Vec<String>,
    /// The reason in Envoy's words, cut to 2000 characters.
    pub reason: String,
    /// When the answer came.
    pub at: SystemTime,
}

/// Where streams report to.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    envoys: watch::Sender<Envoys>,
    last_stream: Arc<AtomicU64>,
}

/// One stream's entry; gone when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    registry: Registry,
    stream: u64,
    peer: Option<SocketAddr>,
    node: Option<Node>,
}

// === impl Registry ===

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            envoys: watch::Sender::new(Envoys::default()),
            last_stream: Arc::default(),
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Envoys> {
        self.envoys.subscribe()
    }

    /// An entry for a new stream; it is listed when its first request has come.
    /// Its number is that of no other stream of this process.
    pub(crate) fn entry(&self, peer: Option<SocketAddr>) -> Entry {
        let stream = self.last_stream.fetch_add(1, Ordering::Relaxed) + 1;
        Entry {
            registry: self.clone(),
            stream,
            peer,
            node: None,
        }
    }
}

// === impl Entry ===

impl Entry {
    /// Records and logs what has happened on the stream.
    pub(crate) fn on_event(&mut self, event: Event) {
        let at = SystemTime::now();
        match event {
            Event::Connected(node) => self.on_connected(node, at),
            Event::Accepted {
                kind,
                version,
                resources,
            } => {
                tracing::debug!(
                    envoy.node = self.node_id(),
                    envoy.stream = self.stream,
                    xds.kind = ?kind,
                    xds.version = version,
                    xds.resources = resources,
                    "Envoy has accepted an update"
                );
                let accepted = Accepted {
                    version,
                    resources,
                    at,
                };
                self.update(|status| drop(status.accepted.insert(kind, accepted)));
            }
            Event::Refused {
                kind,
                version,
                names,
                message,
            } => {
                let reason = message;
                tracing::warn!(
                    envoy.node = self.node_id(),
                    envoy.stream = self.stream,
                    xds.kind = ?kind,
                    xds.version = version,
                    xds.names = %listed(&names),
                    xds.error = reason,
                    "Envoy has refused an update and keeps what it had"
                );
                let refusal = Refusal {
                    kind,
                    version,
                    names,
                    reason,
                    at,
                };
                self.update(|status| status.last_refusal = Some(refusal));
            }
            Event::Overdue { kind, names } => tracing::warn!(
                envoy.node = self.node_id(),
                envoy.stream = self.stream,
                xds.kind = ?kind,
                xds.names = %listed(&names),
                "Envoy has not answered an update in time; the others are sent without waiting"
            ),
        }
    }

    /// Records how far Envoy is. It is called often, and mostly has nothing to do.
    pub(crate) fn on_progress(&self, session: &Session) {
        let refuses = || {
            session
                .refusals()
                .map(|(kind, name, reason)| ((kind, name.to_owned()), reason.to_owned()))
        };
        let reached = session.reached();
        self.registry.envoys.send_if_modified(|envoys| {
            let Some(status) = envoys.get(&self.stream) else {
                return false;
            };
            let same = status.reached.as_ref().map(Arc::as_ptr) == reached.map(Arc::as_ptr)
                && status
                    .refuses
                    .iter()
                    .map(|((kind, name), reason)| (*kind, name.as_str(), reason.as_str()))
                    .eq(session.refusals());
            if same {
                return false;
            }
            if let Some(status) = Arc::make_mut(envoys).get_mut(&self.stream) {
                status.reached = reached.cloned();
                status.refuses = refuses().collect();
            }
            true
        });
    }

    /// Logs why the stream ends. Call it once.
    pub(crate) fn on_end(&self, reason: &str) {
        if self.node.is_some() {
            tracing::info!(
                envoy.node = self.node_id(),
                envoy.stream = self.stream,
                stream.reason = reason,
                "Envoy has disconnected"
            );
        } else {
            tracing::warn!(
                envoy.peer = self.peer.map(tracing::field::display),
                envoy.stream = self.stream,
                stream.reason = reason,
                "a stream has ended before Envoy said who it is"
            );
        }
    }

    /// Returns the number of the stream.
    pub(crate) fn stream(&self) -> u64 {
        self.stream
    }

    /// Returns the node, or nothing before it is known.
    pub(crate) fn node_id(&self) -> &str {
        self.node
            .as_ref()
            .map(|node| node.id.as_str())
            .unwrap_or_default()
    }

    fn on_connected(&mut self, node: Node, at: SystemTime) {
        tracing::info!(
            envoy.node = node.id,
            envoy.cluster = node.cluster,
            envoy.version = node.version,
            envoy.peer = self.peer.map(tracing::field::display),
            envoy.stream = self.stream,
            "Envoy has connected"
        );
        self.node = Some(node.clone());
        let status = EnvoyStatus {
            node,
            peer: self.peer,
            connected_at: at,
            accepted: BTreeMap::new(),
            last_refusal: None,
            refuses: Refuses::new(),
            reached: None,
        };
        self.registry.envoys.send_modify(|envoys| {
            Arc::make_mut(envoys).insert(self.stream, status);
        });
    }

    fn update(&self, change: impl FnOnce(&mut EnvoyStatus)) {
        self.registry.envoys.send_modify(|envoys| {
            if let Some(status) = Arc::make_mut(envoys).get_mut(&self.stream) {
                change(status);
            }
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.envoys.send_if_modified(|envoys| {
            let listed = envoys.contains_key(&self.stream);
            if listed {
                Arc::make_mut(envoys).remove(&self.stream);
            }
            listed
        });
    }
}

fn listed(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(MAX_LOGGED_NAMES)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = names
        .len()
        .checked_sub(MAX_LOGGED_NAMES)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(registry: &Registry) -> Entry {
        let mut entry = registry.entry(None);
        entry.on_event(Event::Connected(Node {
            id: "edge-1".into(),
            ..Node::default()
        }));
        entry
    }

    #[test]
    fn envoy_is_listed_from_its_first_request_until_its_stream_ends() {
        let registry = Registry::new();
        let envoys = registry.subscribe();
        let entry = registry.entry(None);
        assert!(envoys.borrow().is_empty());
        drop(entry);
        let entry = connected(&registry);
        assert_eq!(envoys.borrow().values().next().unwrap().node.id, "edge-1");
        drop(entry);
        assert!(envoys.borrow().is_empty());
    }

    #[test]
    fn reconnected_envoy_has_an_entry_of_its_own() {
        let registry = Registry::new();
        let envoys = registry.subscribe();
        let old = connected(&registry);
        let new = connected(&registry);
        assert_eq!(envoys.borrow().len(), 2);
        drop(old);
        assert_eq!(envoys.borrow().len(), 1);
        drop(new);
    }

    #[test]
    fn last_answer_of_each_type_and_the_last_refusal_are_kept() {
        let registry = Registry::new();
        let envoys = registry.subscribe();
        let mut entry = connected(&registry);
        for version in ["v1", "v2"] {
            entry.on_event(Event::Accepted {
                kind: ResourceType::Cluster,
                version: version.into(),
                resources: 3,
            });
        }
        entry.on_event(Event::Refused {
            kind: ResourceType::Listener,
            version: "v3".into(),
            names: vec!["api".into()],
            message: "no".into(),
        });
        let status = envoys.borrow().values().next().unwrap().clone();
        assert_eq!(status.accepted[&ResourceType::Cluster].version, "v2");
        assert_eq!(status.accepted.len(), 1);
        let refusal = status.last_refusal.unwrap();
        assert_eq!(
            (refusal.kind, refusal.names),
            (ResourceType::Listener, vec!["api".into()])
        );
        assert_eq!(refusal.reason, "no");
    }

    #[test]
    fn long_lists_of_names_are_cut_in_the_log() {
        let names: Vec<String> = (0..12).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
        assert_eq!(listed(&names[..2]), "0, 1");
    }
}
