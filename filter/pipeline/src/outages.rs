//! Members that do not answer: their requests are refused at once, and the filter itself looks
//! whether they are back.
//!
//! ```text
//!        a request got no answer, or the
//!        control plane gets none            nor does a look
//!   up ───────────────────────────> doubted ───────────────> down ──┐ again and again
//!    ^                                 │                      │ └───┘
//!    └────────── any answer ───────────┴──────────────────────┘
//! ```
//!
//! A refusal takes a look of this Envoy's own: what the control plane cannot reach, an Envoy
//! elsewhere may. And one request that failed is no proof, for a server may be restarted.
//! Requests go through until a look has failed, so nothing waits for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use cubegate_filter_config::ClusterEntry;

use crate::Headers;
use crate::call::{self, Call, CallAnswer};
use crate::members::{Member, Members};

/// From one look at a member that is down to the next, in seconds, while somebody asks for it.
pub(crate) const PAUSE: u64 = 2;

/// The same while nobody does. That it is back is mostly told by the control plane then.
const IDLE_PAUSE: u64 = 30;

/// How long a request counts as somebody who asks, in seconds.
const ASKED: u64 = 30;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// After how many seconds one is given up of which nothing was heard.
const LOST: u64 = 10;

/// How many looks are begun at once; a worker begins some each second.
const AT_ONCE: usize = 64;

/// What is looked at: every API server answers it, if only with a refusal.
const LOOKED_AT: &str = "/version";

/// The members of one worker that are down or doubted, by name; clones share them. There are at
/// most as many as there are members.
#[derive(Clone, Default)]
pub(crate) struct Outages(Rc<Table>);

#[derive(Default)]
struct Table {
    doubted: RefCell<HashMap<String, Doubt>>,
    /// The version of the members that was looked through last.
    seen: Cell<u64>,
}

/// One member that may be down.
#[derive(Default)]
struct Doubt {
    /// A look has failed, and none has gone well since.
    is_down: bool,
    /// The control plane gets no answer, either.
    is_told: bool,
    /// Until when the look that is under way must have ended, in Unix seconds: whoever made it
    /// may be gone.
    looking_until: Option<u64>,
    /// When to look next, in Unix seconds; `None` until there is a new reason.
    due: Option<u64>,
    /// When somebody asked for it last, in Unix seconds; 0 is never.
    asked: u64,
    /// Where it was when it was looked at.
    authority: Option<String>,
}

/// A look at a member, to be made by whoever runs the pipeline.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// The member.
    pub member: String,
    /// What to ask. Its answer goes to [`Gateway::looked`](crate::Gateway::looked).
    pub call: Call,
}

/// What a look has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Requests for the member are refused from now on.
    Down,
    /// They go on again.
    Up,
}

// === impl Outages ===

impl Outages {
    /// Somebody asks for a member. Returns whether it is down.
    pub(crate) fn is_down(&self, member: &str, now: u64) -> bool {
        let mut doubted = self.0.doubted.borrow_mut();
        // Of nearly every request.
        if doubted.is_empty() {
            return false;
        }
        let Some(doubt) = doubted.get_mut(member) else {
            return false;
        };
        doubt.asked = now;
        if doubt.is_down {
            doubt.due_by(now.saturating_add(PAUSE));
        }
        doubt.is_down
    }

    /// A request got no answer from a member.
    pub(crate) fn failed(&self, member: &str, now: u64) {
        let mut doubted = self.0.doubted.borrow_mut();
        let doubt = doubted.entry(member.to_owned()).or_default();
        doubt.asked = now;
        if !doubt.is_down {
            doubt.due_by(now);
        }
    }

    /// A member has answered somebody.
    pub(crate) fn answered(&self, member: &str) {
        let mut doubted = self.0.doubted.borrow_mut();
        if !doubted.is_empty() {
            is_up(&mut doubted, member);
        }
    }

    /// Takes what is told of members now, if that is something else than before.
    pub(crate) fn follow(&self, members: &Members, now: u64) {
        if self.0.seen.replace(members.version()) == members.version() {
            return;
        }
        let mut doubted = self.0.doubted.borrow_mut();
        doubted.retain(|name, doubt| {
            let Some(member) = members.get(name) else {
                return false;
            };
            // At another place it is another server.
            let is_elsewhere = |authority: &String| *authority != member.cluster.authority;
            if doubt.authority.as_ref().is_some_and(is_elsewhere) {
                return false;
            }
            if doubt.is_told && !member.is_unreachable {
                doubt.is_told = false;
                doubt.due_by(now);
                return doubt.is_down || doubt.looking_until.is_some();
            }
            true
        });
        members.each_unreachable(|name| {
            let doubt = doubted.entry(name.to_owned()).or_default();
            if !std::mem::replace(&mut doubt.is_told, true) && !doubt.is_down {
                doubt.due_by(now);
            }
        });
    }

    /// Returns the looks that are to be made now, longest due first. Each is to be followed by
    /// [`Self::looked`]. `find` says where a member is.
    pub(crate) fn take_due(
        &self,
        now: u64,
        find: impl Fn(&str) -> Option<Rc<Member>>,
    ) -> Vec<Probe> {
        let mut doubted = self.0.doubted.borrow_mut();
        if doubted.is_empty() {
            return Vec::new();
        }
        // What nobody asks for and nobody tells of is forgotten.
        doubted.retain(|_, doubt| {
            doubt.is_told || doubt.looking_until.is_some() || doubt.is_asked(now)
        });
        let due = doubted.iter().filter_map(|(name, doubt)| {
            let due = doubt.looking_until.or(doubt.due)?;
            (due <= now).then(|| (due, name.clone()))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        due.truncate(AT_ONCE);
        let begin = |(_, name): (u64, String)| {
            let Some(member) = find(&name) else {
                doubted.remove(&name);
                return None;
            };
            let doubt = doubted.get_mut(&name)?;
            doubt.looking_until = Some(now.saturating_add(LOST));
            doubt.due = None;
            doubt.authority = Some(member.cluster.authority.clone());
            Some(Probe::at(name, &member.cluster))
        };
        due.into_iter().filter_map(begin).collect()
    }

    /// A look at a member has ended, with an answer or without.
    pub(crate) fn looked(&self, member: &str, answers: bool, now: u64) -> Option<Turn> {
        let mut doubted = self.0.doubted.borrow_mut();
        let doubt = doubted.get_mut(member)?;
        doubt.looking_until = None;
        if answers {
            return is_up(&mut doubted, member).then_some(Turn::Up);
        }
        let pause = match doubt.is_asked(now) {
            true => PAUSE,
            false => IDLE_PAUSE,
        };
        doubt.due_by(now.saturating_add(pause));
        let was_down = std::mem::replace(&mut doubt.is_down, true);
        (!was_down).then_some(Turn::Down)
    }
}

/// A member is up, whatever was thought of it. Returns whether it was down.
fn is_up(doubted: &mut HashMap<String, Doubt>, member: &str) -> bool {
    let Some(doubt) = doubted.get_mut(member) else {
        return false;
    };
    let was_down = std::mem::take(&mut doubt.is_down);
    doubt.due = None;
    // What is told of it stays told, and is no reason to look twice.
    if !doubt.is_told && doubt.looking_until.is_none() {
        doubted.remove(member);
    }
    was_down
}

// === impl Doubt ===

impl Doubt {
    /// It is to be looked at then, or before.
    fn due_by(&mut self, at: u64) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn is_asked(&self, now: u64) -> bool {
        now < self.asked.saturating_add(ASKED)
    }
}

// === impl Probe ===

impl Probe {
    /// The look at this member.
    pub(crate) fn at(member: String, cluster: &ClusterEntry) -> Self {
        let mut headers = Headers::default();
        headers.set(":method", "GET");
        headers.set(":scheme", "https");
        headers.set(":authority", cluster.authority.clone());
        headers.set(":path", format!("{}{LOOKED_AT}", cluster.path_prefix));
        headers.set("accept", call::JSON);
        headers.set("user-agent", "cubegate-filter");
        let call = Call {
            cluster: cluster.upstream.clone(),
            headers,
            body: Vec::new(),
            timeout: PATIENCE,
        };
        Self { member, call }
    }
}

/// Returns whether what a look has brought is a server's answer. `headers`: none if it has ended
/// without any.
pub(crate) fn is_answer(headers: Option<Headers>, body: Vec<u8>) -> bool {
    let Some(headers) = headers else {
        return false;
    };
    let status = headers.get_str(":status").and_then(|s| s.parse().ok());
    let answer = CallAnswer {
        status,
        headers,
        body,
    };
    match answer.status {
        // The proxy's own words for a server that is not there.
        Some(502..=504) => answer.is_refusal(),
        Some(_) => true,
        None => false,
    }
}

#[cfg(test)]
mod tests;
