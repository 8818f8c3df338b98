//! One type of resource on one stream: what Envoy wants, what it has, and the
//! response that it has not answered yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use super::flight::{Answered, Envelope, Flight, InFlight, Sent, Target};
use super::plan::{Allowed, Plan, PlannedChange, What};
use super::subscription::{Change, Subscription};
use crate::response::Response;
use cubegate_snapshot::{ResourceType, Snapshot};

/// The state of one type.
#[derive(Debug)]
pub(super) struct Topic {
    subscription: Subscription,
    /// What Envoy has, or will have once it has taken what is on its way.
    holds: BTreeMap<Arc<str>, Holding>,
    /// Names to be answered even if nothing has changed.
    owed: BTreeSet<Arc<str>>,
    reply_due: bool,
    /// What Envoy has refused, and is not sent again.
    refused: BTreeMap<Arc<str>, Refused>,
    /// Names of a refused response of several: sent one by one, so that one bad
    /// resource does not take the others with it.
    alone: BTreeSet<Arc<str>>,
    in_flight: Option<InFlight>,
    resumed: bool,
    /// The snapshot of whose resources nothing is left to be said: it need not be compared again
    /// for every change of another type, name by name, on hundreds of streams.
    told: Option<Arc<Snapshot>>,
}

/// What Envoy has refused under a name.
#[derive(Debug)]
struct Refused {
    target: Target,
    /// Why, in its words.
    reason: String,
}

/// What Envoy has under a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holding {
    Version(Arc<str>),
    /// It has been told that there is nothing.
    Nothing,
    /// The old or the new one: it has refused a response of several, of which
    /// it may have taken a part.
    Unsure,
}

// === impl Topic ===

impl Topic {
    /// Begins with the first request of the type on this stream.
    pub(super) fn open(
        kind: ResourceType,
        subscribe: Vec<Arc<str>>,
        unsubscribe: &[String],
        initial_versions: HashMap<Arc<str>, Arc<str>>,
    ) -> Self {
        let (subscription, change) = Subscription::open(kind, subscribe, unsubscribe);
        let mut this = Self {
            subscription,
            holds: BTreeMap::new(),
            owed: BTreeSet::new(),
            reply_due: false,
            refused: BTreeMap::new(),
            alone: BTreeSet::new(),
            in_flight: None,
            resumed: false,
            told: None,
        };
        this.apply(change);
        for (name, version) in initial_versions {
            if this.subscription.covers(&name) {
                this.owed.remove(&name);
                this.holds.insert(name, Holding::Version(version));
                this.resumed = true;
            }
        }
        this
    }

    /// Takes the subscriptions of a later request.
    pub(super) fn on_subscriptions(&mut self, subscribe: Vec<Arc<str>>, unsubscribe: &[String]) {
        let change = self.subscription.update(subscribe, unsubscribe);
        self.apply(change);
    }

    fn apply(&mut self, change: Change) {
        if change != Change::default() {
            self.told = None;
        }
        self.reply_due |= change.wildcard_owed;
        self.owed.extend(change.owed);
        if change.narrowed {
            // What Envoy does not follow any more it forgets, and so do we.
            let subscription = &self.subscription;
            self.reply_due &= subscription.is_wildcard();
            self.holds.retain(|name, _| subscription.covers(name));
            self.owed.retain(|name| subscription.covers(name));
            self.refused.retain(|name, _| subscription.covers(name));
            self.alone.retain(|name| subscription.covers(name));
        }
    }

    /// Takes an answer, a refusal with its reason. `None` if it is not to the response in flight: then it
    /// is stale and says nothing about what Envoy has now.
    pub(super) fn on_answer(&mut self, nonce: &str, refusal: Option<&str>) -> Option<Answered> {
        let flight = self.in_flight.take_if(|flight| flight.nonce == nonce)?;
        let names = flight
            .sent
            .iter()
            .map(|sent| Arc::clone(&sent.name))
            .collect();
        let several = flight.sent.len() > 1;
        if refusal.is_some() {
            self.told = None;
        }
        for sent in flight.sent {
            if !self.subscription.covers(&sent.name) {
                continue;
            }
            match refusal {
                None => self.on_accepted(&sent),
                Some(_) if several => self.on_suspected(sent),
                Some(reason) => self.on_refused(sent, reason),
            }
        }
        Some(Answered {
            version: flight.version,
            names,
            is_final: refusal.is_none() || !several,
        })
    }

    fn on_accepted(&mut self, sent: &Sent) {
        self.alone.remove(&sent.name);
        self.refused.remove(&sent.name);
        // Under a wildcard there is no need to remember what is gone.
        if sent.target.is_none() && !self.subscription.names().contains(&sent.name) {
            self.holds.remove(&sent.name);
        }
    }

    fn on_suspected(&mut self, sent: Sent) {
        let missing = sent.target.is_none() && matches!(sent.before, None | Some(Holding::Nothing));
        if missing {
            self.owed.insert(sent.name.clone());
        } else {
            self.holds.insert(sent.name.clone(), Holding::Unsure);
        }
        self.alone.insert(sent.name);
    }

    fn on_refused(&mut self, sent: Sent, reason: &str) {
        self.alone.remove(&sent.name);
        match sent.before {
            Some(before) => self.holds.insert(sent.name.clone(), before),
            None => self.holds.remove(&sent.name),
        };
        let refused = Refused {
            target: sent.target,
            reason: reason.to_owned(),
        };
        self.refused.insert(sent.name, refused);
    }

    /// Forgets what was refused under versions that nobody wants any more.
    pub(super) fn on_snapshot(&mut self, kind: ResourceType, snapshot: &Snapshot) {
        self.refused.retain(|name, refused| {
            let target = refused.target.as_ref();
            snapshot.get(kind, name).map(|resource| &resource.version) == target
        });
    }

    /// Returns what is still to be said.
    pub(super) fn plan(&mut self, kind: ResourceType, snapshot: &Arc<Snapshot>) -> Plan {
        if let Some(told) = self
            .told
            .as_mut()
            .filter(|told| told.shares(snapshot, kind))
        {
            // Of the older one the other types' resources may be gone.
            *told = Arc::clone(snapshot);
            return Plan {
                reply_due: self.reply_due,
                ..Plan::default()
            };
        }
        let plan = self.compare(kind, snapshot);
        self.note(snapshot, &plan);
        plan
    }

    /// Notes that nothing is left to be said of a snapshot, if it is so.
    pub(super) fn note(&mut self, snapshot: &Arc<Snapshot>, left: &Plan) {
        let is_all = left.steps.is_empty() && self.owed.is_empty() && self.alone.is_empty();
        self.told = is_all.then(|| Arc::clone(snapshot));
    }

    fn compare(&self, kind: ResourceType, snapshot: &Snapshot) -> Plan {
        let mut names: BTreeSet<&Arc<str>> =
            self.subscription.names().iter().chain(&self.owed).collect();
        if self.subscription.is_wildcard() {
            names.extend(snapshot.all(kind).map(|(name, _)| name));
            names.extend(self.holds.keys());
        }
        let steps = names
            .into_iter()
            .filter_map(|name| {
                let what = self.what(name, kind, snapshot)?;
                Some(PlannedChange {
                    name: Arc::clone(name),
                    what,
                })
            })
            .collect();
        Plan {
            steps,
            reply_due: self.reply_due,
        }
    }

    fn what(&self, name: &str, kind: ResourceType, snapshot: &Snapshot) -> Option<What> {
        let resource = snapshot.get(kind, name);
        let owed = self.owed.contains(name);
        let target = resource.map(|resource| &resource.version);
        if !owed
            && self
                .refused
                .get(name)
                .is_some_and(|refused| refused.target.as_ref() == target)
        {
            return None;
        }
        match (resource, self.holds.get(name)) {
            (Some(resource), Some(Holding::Version(version)))
                if *version == resource.version && !owed =>
            {
                None
            }
            (Some(resource), _) => Some(What::Put(resource.clone())),
            (None, _) if owed => Some(What::Missing),
            (None, Some(Holding::Version(_) | Holding::Unsure)) => Some(What::Remove),
            (None, Some(Holding::Nothing) | None) => None,
        }
    }

    /// Returns the next response, made of what is allowed of `plan`; what was taken is
    /// gone from `plan`.
    pub(super) fn respond(
        &mut self,
        plan: &mut Plan,
        allowed: Allowed,
        envelope: Envelope,
    ) -> Option<Response> {
        if self.flight() == Flight::Open {
            return None;
        }
        let steps = plan.take(allowed, &self.alone)?;
        plan.reply_due = false;
        self.reply_due = false;

        let mut response = Response {
            kind: envelope.kind,
            nonce: envelope.nonce.clone(),
            version: envelope.version.clone(),
            resources: Vec::new(),
            removed: Vec::new(),
        };
        let mut sent = Vec::with_capacity(steps.len());
        for PlannedChange { name, what } in steps {
            self.owed.remove(&name);
            let (target, holding) = match &what {
                What::Put(resource) => (
                    Some(resource.version.clone()),
                    Holding::Version(resource.version.clone()),
                ),
                What::Remove | What::Missing => (None, Holding::Nothing),
            };
            let before = self.holds.insert(name.clone(), holding);
            sent.push(Sent {
                name: name.clone(),
                target,
                before,
            });
            match what {
                What::Put(resource) => response.resources.push((name, resource)),
                What::Remove | What::Missing => response.removed.push(name),
            }
        }
        self.in_flight = Some(InFlight {
            nonce: envelope.nonce,
            version: envelope.version,
            sent,
            overdue_at: envelope.overdue_at,
            overdue: false,
        });
        Some(response)
    }

    /// Returns how far the last response has come.
    pub(super) fn flight(&self) -> Flight {
        match &self.in_flight {
            None => Flight::Landed,
            Some(flight) if flight.overdue => Flight::Overdue,
            Some(_) => Flight::Open,
        }
    }

    /// What is on its way.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &Arc<str>> {
        let sent = self.in_flight.iter().flat_map(|flight| &flight.sent);
        sent.map(|sent| &sent.name)
    }

    /// Returns when the response in flight becomes overdue, unless it is already.
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        self.in_flight
            .as_ref()
            .filter(|flight| !flight.overdue)
            .map(|flight| flight.overdue_at)
    }

    /// Marks the response in flight as overdue if it is; returns its names the
    /// first time.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Vec<String>> {
        let flight = self.in_flight.as_mut()?;
        if flight.overdue || now < flight.overdue_at {
            return None;
        }
        flight.overdue = true;
        Some(
            flight
                .sent
                .iter()
                .map(|sent| sent.name.to_string())
                .collect(),
        )
    }

    /// Returns what Envoy refuses to have, and why.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.refused
            .iter()
            .map(|(name, refused)| (&**name, refused.reason.as_str()))
    }

    /// Returns the version that Envoy has under a name, unless it is still on its way.
    pub(super) fn holds(&self, name: &str) -> Option<&str> {
        let flight = self.in_flight.as_ref();
        let is_sent =
            flight.is_some_and(|flight| flight.sent.iter().any(|sent| *sent.name == *name));
        match self.holds.get(name)? {
            Holding::Version(version) if !is_sent => Some(version),
            _ => None,
        }
    }

    /// Returns whether Envoy keeps something old because it has refused the new.
    pub(super) fn keeps_old(&self) -> bool {
        self.refused.keys().any(|name| {
            self.holds
                .get(name)
                .is_some_and(|held| *held != Holding::Nothing)
        })
    }

    /// Returns whether Envoy came with resources from an earlier stream.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Returns how many resources Envoy has.
    pub(super) fn count(&self) -> usize {
        self.holds
            .values()
            .filter(|holding| **holding != Holding::Nothing)
            .count()
    }
}
