//! One stream's side of the protocol, without input and output.
//!
//! ```text
//! on_request ─┐                               ┌─> poll_responses
//! on_snapshot ┴─> Topic per type ──> order ───┼─> poll_events
//!                 (wants, has, in flight)     └─> wake_at
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cubegate_snapshot::{ResourceType, Snapshot};
use envoy_types::pb::envoy::service::discovery::v3 as proto;

mod event;
mod flight;
mod order;
mod plan;
mod reach;
mod subscription;
mod topic;

pub use event::{Event, Node, SessionError};

use flight::{Envelope, Flight};
use order::{Board, Progress};
use plan::{Allowed, Plan};
use reach::{Open, Reach};
use topic::Topic;

use crate::response::Response;

/// Longer explanations of Envoy are cut; it may quote whole resources.
pub(crate) const MAX_REASON_CHARS: usize = 2000;

/// The state of one delta stream.
///
/// After each call of [`on_request`](Self::on_request) or
/// [`on_snapshot`](Self::on_snapshot), and at [`wake_at`](Self::wake_at), call
/// [`poll_responses`](Self::poll_responses) and send what it returns in order.
#[derive(Debug, Default)]
pub struct Session {
    node: Option<Node>,
    snapshot: Option<Arc<Snapshot>>,
    topics: BTreeMap<ResourceType, Topic>,
    last_nonce: u64,
    /// Until when types may be missing that Envoy is about to ask for.
    opening_until: Option<Instant>,
    opening: bool,
    /// There was nothing to say when it was last asked.
    settled: bool,
    reach: Reach,
    events: Vec<Event>,
}

// === impl Session ===

impl Session {
    /// How long other types wait for an answer. Envoy answers clusters when they
    /// are warm, and gives up on their secrets after 15 s; if it has not
    /// answered by then, a cluster is stuck, and holding back the rest (a
    /// revoked key, say) would do more harm than sending it.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// How long after the beginning of a stream an Envoy that was connected
    /// before may take to ask again for all types that it had. It does so in one
    /// burst.
    pub const OPENING: Duration = Duration::from_secs(2);

    /// A stream on which nothing has been said.
    pub fn new() -> Self {
        Self {
            opening: true,
            ..Self::default()
        }
    }

    /// Returns who is at the other end, once the first request has come.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// Takes a request: an answer to a response, a change of subscriptions, or
    /// both.
    pub fn on_request(
        &mut self,
        request: proto::DeltaDiscoveryRequest,
    ) -> Result<(), SessionError> {
        if self.node.is_none() {
            let node = request.node.map(Node::from_proto).unwrap_or_default();
            if node.id.is_empty() {
                return Err(SessionError::NoNode);
            }
            self.events.push(Event::Connected(node.clone()));
            self.node = Some(node);
        }
        let Some(kind) = ResourceType::from_type_url(&request.type_url) else {
            return Err(SessionError::UnknownType {
                type_url: request.type_url,
            });
        };

        let names = request.resource_names_subscribe.into_iter();
        let subscribe = names.map(|name| self.shared(kind, name)).collect();
        let unsubscribe = request.resource_names_unsubscribe;
        let refusal = request.error_detail.map(|status| {
            let reason = status.message.chars().take(MAX_REASON_CHARS);
            reason.collect::<String>()
        });
        let Some(topic) = self.topics.get_mut(&kind) else {
            let known = request.initial_resource_versions.into_iter();
            let known = known.map(|(name, version)| self.shared_version(kind, name, version));
            let topic = Topic::open(kind, subscribe, &unsubscribe, known.collect());
            self.topics.insert(kind, topic);
            return Ok(());
        };
        // The answer first: it is about what was sent before the subscriptions
        // of the same request.
        let answered = topic.on_answer(&request.response_nonce, refusal.as_deref());
        topic.on_subscriptions(subscribe, &unsubscribe);
        if let Some(answered) = answered.as_ref().filter(|answered| answered.is_final) {
            let response = request.response_nonce.parse().unwrap_or_default();
            for name in &answered.names {
                self.reach.answered(kind, name, response);
            }
        }
        match (answered, refusal) {
            (Some(answered), None) => {
                let (version, resources) = (answered.version, topic.count());
                self.events.push(Event::Accepted {
                    kind,
                    version,
                    resources,
                });
            }
            (answered, Some(message)) => {
                let (version, names) = answered
                    .map(|answered| (answered.version, answered.names))
                    .unwrap_or_default();
                let names = names.iter().map(ToString::to_string).collect();
                self.events.push(Event::Refused {
                    kind,
                    version,
                    names,
                    message,
                });
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// A name as the snapshot has it: Envoy follows thousands, on hundreds of streams.
    fn shared(&self, kind: ResourceType, name: String) -> Arc<str> {
        let snapshot = self.snapshot.as_ref();
        let entry = snapshot.and_then(|snapshot| snapshot.entry(kind, &name));
        entry.map_or_else(|| name.into(), |(name, _)| Arc::clone(name))
    }

    fn shared_version(
        &self,
        kind: ResourceType,
        name: String,
        version: String,
    ) -> (Arc<str>, Arc<str>) {
        let snapshot = self.snapshot.as_ref();
        match snapshot.and_then(|snapshot| snapshot.entry(kind, &name)) {
            Some((name, resource)) if *resource.version == *version => {
                (Arc::clone(name), Arc::clone(&resource.version))
            }
            Some((name, _)) => (Arc::clone(name), version.into()),
            None => (name.into(), version.into()),
        }
    }

    /// Takes what Envoy should have from now on; what was not sent of the
    /// snapshot before it never will be.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        for (kind, topic) in &mut self.topics {
            topic.on_snapshot(*kind, &snapshot);
        }
        self.snapshot = Some(snapshot);
    }

    /// The responses that may go now, in the order in which to send them. Each
    /// is returned once and taken as sent. There is nothing before the first
    /// snapshot.
    pub fn poll_responses(&mut self, now: Instant) -> Vec<Response> {
        let Some(snapshot) = self.snapshot.clone() else {
            return Vec::new();
        };
        self.watch_the_clock(now);
        let mut plans: BTreeMap<ResourceType, Plan> = self
            .topics
            .iter_mut()
            .map(|(kind, topic)| (*kind, topic.plan(*kind, &snapshot)))
            .collect();
        let mut responses = Vec::new();
        for kind in ResourceType::ALL {
            let board = self.board(&plans);
            let (Some(topic), Some(plan)) = (self.topics.get_mut(&kind), plans.get_mut(&kind))
            else {
                continue;
            };
            let resumed = topic.is_resumed();
            let allowed = Allowed {
                put: board.may_put(kind, resumed),
                remove: board.may_remove(kind, resumed),
            };
            let envelope = Envelope {
                kind,
                nonce: (self.last_nonce + 1).to_string(),
                version: snapshot.version(kind).to_owned(),
                overdue_at: now + Self::PATIENCE,
            };
            if let Some(response) = topic.respond(plan, allowed, envelope) {
                self.last_nonce += 1;
                responses.push(response);
                topic.note(&snapshot, plan);
            }
        }
        self.settled = responses.is_empty()
            && self.topics.contains_key(&ResourceType::Cluster)
            && plans.values().all(|plan| plan.steps.is_empty())
            && self
                .topics
                .values()
                .all(|topic| topic.flight() == Flight::Landed);
        match self.settled {
            true => self.reach.settle(&snapshot),
            false => self.look_how_far(&snapshot, &plans),
        }
        responses
    }

    fn look_how_far(&mut self, newest: &Arc<Snapshot>, plans: &BTreeMap<ResourceType, Plan>) {
        let topics = &self.topics;
        let planned = || {
            let plans = plans.iter();
            plans.flat_map(|(kind, plan)| plan.steps.iter().map(|step| (*kind, &step.name)))
        };
        let in_flight = || {
            let topics = topics.iter();
            topics.flat_map(|(kind, topic)| topic.in_flight().map(|name| (*kind, name)))
        };
        let next = self.last_nonce + 1;
        self.reach
            .look(newest, planned().count() + in_flight().count(), || {
                let in_flight = in_flight().map(|key| (key, 0));
                // What is on its way in an older version is to be said once more.
                let open = in_flight.chain(planned().map(|key| (key, next)));
                open.map(|((kind, name), from)| ((kind, Arc::clone(name)), from))
                    .collect::<Open>()
            });
    }

    /// Returns the newest snapshot of which Envoy has answered everything, in that version or in a
    /// newer one, when [`poll_responses`](Self::poll_responses) was last called: it has every
    /// resource, but for those that it refuses.
    pub fn reached(&self) -> Option<&Arc<Snapshot>> {
        self.reach.reached()
    }

    /// Returns the newest snapshot, if Envoy had answered all of it when
    /// [`poll_responses`](Self::poll_responses) was last called: it has every resource,
    /// but for those that it refuses.
    pub fn settled(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref().filter(|_| self.settled)
    }

    /// Returns the version of a resource that Envoy has for certain: it has answered.
    pub fn holds(&self, kind: ResourceType, name: &str) -> Option<&str> {
        self.topics.get(&kind)?.holds(name)
    }

    /// Returns what Envoy refuses to have, and why, in its words.
    pub fn refusals(&self) -> impl Iterator<Item = (ResourceType, &str, &str)> {
        self.topics
            .iter()
            .flat_map(|(kind, topic)| topic.refusals().map(|(name, reason)| (*kind, name, reason)))
    }

    /// Returns what has happened since the last call.
    pub fn poll_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns when to poll again if nothing happens before.
    pub fn wake_at(&self) -> Option<Instant> {
        let resumed = self.topics.values().any(Topic::is_resumed);
        let opening = self.opening_until.filter(|_| self.opening && resumed);
        self.topics
            .values()
            .filter_map(Topic::overdue_at)
            .chain(opening)
            .min()
    }

    fn watch_the_clock(&mut self, now: Instant) {
        let opening_until = *self.opening_until.get_or_insert(now + Self::OPENING);
        self.opening &= now < opening_until;
        for (kind, topic) in &mut self.topics {
            if let Some(names) = topic.expire(now) {
                self.events.push(Event::Overdue { kind: *kind, names });
            }
        }
    }

    fn board(&self, plans: &BTreeMap<ResourceType, Plan>) -> Board {
        let types = self
            .topics
            .iter()
            .map(|(kind, topic)| {
                let plan = plans.get(kind);
                let progress = Progress {
                    puts: plan.is_some_and(Plan::puts),
                    removes: plan.is_some_and(Plan::removes),
                    flight: topic.flight(),
                    keeps_old: topic.keeps_old(),
                };
                (*kind, progress)
            })
            .collect();
        Board {
            types,
            opening: self.opening,
        }
    }
}

#[cfg(test)]
mod tests;
