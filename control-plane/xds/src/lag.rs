//! How long one Envoy takes to have what is new.
//!
//! ```text
//! new snapshot ──> sent ──> answered … all answered
//!  on_change        on_sent   on_event    on_progress
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use cubegate_snapshot::{ResourceType, Snapshot};

use crate::metrics::{Metrics, Since};
use crate::session::{Event, Session};

/// What a resource is that Envoy has not yet.
struct Waiting {
    since: Instant,
    version: Arc<str>,
    /// It is news to an Envoy that has had all before. What an Envoy is told first takes as
    /// long as the Envoy takes to start.
    is_news: bool,
}

/// What is measured of one stream.
pub(crate) struct Lag {
    metrics: Metrics,
    stream: u64,
    /// When the oldest snapshot was published that Envoy has not all of.
    change: Option<Instant>,
    /// The same for each resource that stands alone: those say what is refused.
    revocations: BTreeMap<Arc<str>, Waiting>,
    /// Their versions in the snapshot before.
    told: BTreeMap<Arc<str>, Arc<str>>,
    /// When the responses that are not answered were sent.
    sent: BTreeMap<ResourceType, Instant>,
}

// === impl Lag ===

impl Lag {
    pub(crate) fn new(metrics: Metrics, stream: u64) -> Self {
        Self {
            metrics,
            stream,
            change: None,
            revocations: BTreeMap::new(),
            told: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    /// A newer snapshot than the one that Envoy is sent has been published.
    pub(crate) fn on_change(&mut self) {
        self.change.get_or_insert_with(Instant::now);
        self.tell();
    }

    /// Envoy is to have this one from now on.
    pub(crate) fn on_snapshot(&mut self, snapshot: &Snapshot) {
        let is_news = !self.told.is_empty();
        let since = self.change.unwrap_or_else(Instant::now);
        let alone = snapshot
            .all(ResourceType::ExtensionConfig)
            .filter(|(_, resource)| resource.stands_alone);
        let now: BTreeMap<Arc<str>, Arc<str>> = alone
            .map(|(name, resource)| (Arc::clone(name), Arc::clone(&resource.version)))
            .collect();
        for (name, version) in &now {
            if self.told.get(name) != Some(version) {
                let waiting = self.revocations.entry(Arc::clone(name));
                let waiting = waiting.or_insert_with(|| Waiting {
                    since,
                    version: Arc::clone(version),
                    is_news,
                });
                waiting.version.clone_from(version);
            }
        }
        self.told = now;
        self.tell();
    }

    /// A response is on its way.
    pub(crate) fn on_sent(&mut self, kind: ResourceType, bytes: usize) {
        self.metrics.sent(kind, bytes);
        self.sent.insert(kind, Instant::now());
    }

    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::Connected(_) => self.metrics.connected(),
            Event::Accepted { kind, .. } => {
                self.metrics.accepted(*kind);
                self.on_answer(*kind);
            }
            Event::Refused { kind, .. } => {
                self.metrics.refused(*kind);
                self.on_answer(*kind);
            }
            Event::Overdue { kind, .. } => self.metrics.overdue(*kind),
        }
    }

    fn on_answer(&mut self, kind: ResourceType) {
        if let Some(since) = self.sent.remove(&kind) {
            self.metrics.answered(since);
        }
    }

    /// Looks how far Envoy is.
    pub(crate) fn on_progress(&mut self, session: &Session) {
        if self.change.is_none() && self.revocations.is_empty() {
            return;
        }
        let Self {
            metrics,
            revocations,
            ..
        } = self;
        revocations.retain(|name, waiting| {
            let held = session.holds(ResourceType::ExtensionConfig, name);
            let is_there = held == Some(&*waiting.version);
            if is_there && waiting.is_news {
                metrics.revocation_is_there(waiting.since);
            }
            !is_there
        });
        if session.settled().is_some()
            && let Some(since) = self.change.take()
        {
            self.metrics.change_is_there(since);
        }
        self.tell();
    }

    fn tell(&self) {
        let since = Since {
            change: self.change,
            revocation: self.revocations.values().map(|waiting| waiting.since).min(),
        };
        self.metrics.behind().set(self.stream, since);
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.metrics.behind().set(self.stream, Since::default());
    }
}
