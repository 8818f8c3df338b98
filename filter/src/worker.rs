//! What one VM works with, and where the next version of it comes from.
//!
//! ```text
//! on_configure ──> waiting ──(next request or tick)──> in use
//!       │                            ▲
//!       └──────────> shared ─────────┘  when this VM was not told
//! the carrier ─────> shared ──(next request or tick)──> members, revocations
//! ```
//!
//! Envoy tries each new configuration in a VM made for that, and then gives it to the
//! workers'. A worker's VM that fails there takes all later configurations along: Envoy
//! refuses them from then on. So it only takes the bytes there. Should it fail when it
//! reads them later, Envoy makes it anew, and it begins with an empty memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use cubegate_filter_config::{Carried, RevocationKind};
use cubegate_pipeline::{Gateway, Headers, Members, Meters, Probe, Revocations, Turn};

use crate::carried::Shelf;
use crate::document::{Kind, Version};
use crate::{envoy_host, metrics};

/// How much of what a look brings is read, in bytes; an API server's version has some hundred.
const MAX_LOOK_BYTES: usize = 64 << 10;

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::new(Worker::new());
}

struct Worker {
    in_use: Option<Rc<Gateway>>,
    revocations: Revocations,
    members: Members,
    meters: Meters,
    slots: [Slot; 3],
    shelf: Shelf,
    /// When the control plane was heard of last.
    heard: Option<Heard>,
    /// The members that are looked at now, by the tokens of the calls.
    looks: HashMap<u32, String>,
}

/// The last word of the control plane.
struct Heard {
    at: Instant,
    /// How old it was then, in seconds.
    age: u64,
}

/// Where one of the documents stands.
struct Slot {
    kind: Kind,
    /// A version of it is in use.
    is_good: bool,
    /// The version that was read last, good or not.
    version: Option<Version>,
    /// One that another VM has accepted, and that was not read yet.
    waiting: Option<(Version, Vec<u8>)>,
    /// The version that this VM was given last, or has found.
    told: Option<Version>,
    /// A version that others had at the last tick, and this VM had not.
    missed: Option<Version>,
}

/// Takes a document, and says whether it is good. Only a VM that has none yet reads it
/// at once: it may be the one in which Envoy tries it.
pub(crate) fn offer(kind: Kind, document: Vec<u8>) -> bool {
    let version = Version::of(kind, &document);
    WORKER.with_borrow_mut(|worker| {
        let shared = kind.shared_version();
        let is_tried = shared.as_ref() == Some(&version);
        let Some(slot) = worker.slot(kind) else {
            return false;
        };
        if slot.is_good || is_tried {
            // What Envoy has tried before it tries no more, so the workers share it. One
            // that is behind the others does not: what is shared came after this then.
            if shared == slot.told {
                kind.share(&version, &document);
            }
            slot.told = Some(version.clone());
            slot.waiting = Some((version, document));
            return true;
        }
        let read = worker.read(kind, version.clone(), document);
        if let Ok(document) = &read {
            kind.share(&version, document);
        }
        read.is_ok()
    })
}

/// Returns the configuration for a new stream, and what counts it.
pub(crate) fn gateway() -> (Option<Rc<Gateway>>, Meters) {
    WORKER.with_borrow_mut(|worker| {
        worker.read_waiting();
        worker.read_carried();
        // What is refused may come either way, so that a slot of it may stay empty for ever.
        if worker.in_use.is_none() || !worker.revocations.are_known() {
            worker.read_shared(|slot| !slot.is_good);
        }
        (worker.in_use.clone(), worker.meters.clone())
    })
}

/// Looks for documents that were missed, ends streams whose time has come, answers those
/// whose refusal has waited long enough, and looks at members that may be down. Envoy is told
/// what was counted.
pub(crate) fn tick() {
    let (gateway, meters, age) = WORKER.with_borrow_mut(|worker| {
        worker.read_waiting();
        worker.catch_up();
        worker.shelf.look_again();
        worker.read_carried();
        let age = worker.heard.as_ref().map(Heard::age);
        (worker.in_use.clone(), worker.meters.clone(), age)
    });
    let held = gateway.as_ref().map_or(0, |gateway| gateway.held_bytes());
    metrics::tell(&meters, held, age);
    let Some(gateway) = gateway else {
        return;
    };
    gateway.heard(age);
    let steady = envoy_host::steady();
    for stream in gateway.overdue_streams(envoy_host::now(), steady) {
        envoy_host::end_stream(stream);
    }
    for (stream, reply) in gateway.take_overdue_refusals(steady) {
        envoy_host::answer_stream(stream, &reply);
    }
    for look in gateway.take_due_looks(steady) {
        begin(&gateway, look);
    }
}

/// A call has ended that no stream has made; `has_answer` says whether there are headers, `size`
/// how long the body is.
pub(crate) fn on_call_response(token: u32, has_answer: bool, size: usize) {
    let (gateway, member) = WORKER.with_borrow_mut(|worker| {
        let member = worker.looks.remove(&token);
        (worker.in_use.clone(), member)
    });
    let (Some(gateway), Some(member)) = (gateway, member) else {
        return;
    };
    // Of a longer one nothing is wanted.
    let size = size.min(MAX_LOOK_BYTES);
    let headers = has_answer.then(|| envoy_host::call_headers().ok());
    let body = envoy_host::call_body(size).unwrap_or_default();
    looked(&gateway, &member, headers.flatten(), body);
}

fn begin(gateway: &Gateway, look: Probe) {
    let Probe { member, call } = look;
    match envoy_host::dispatch(&call) {
        Ok(token) => WORKER.with_borrow_mut(|worker| {
            // One of which nothing was heard is given up when the next one is made.
            worker.looks.retain(|_, of| *of != member);
            worker.looks.insert(token, member);
        }),
        // Envoy does not know it, or knows no address of it.
        Err(_) => looked(gateway, &member, None, Vec::new()),
    }
}

fn looked(gateway: &Gateway, member: &str, headers: Option<Headers>, body: Vec<u8>) {
    match gateway.looked(member, headers, body, envoy_host::steady()) {
        None => {}
        Some(Turn::Down) => {
            log::warn!("cluster {member} does not answer; its requests are refused at once");
        }
        Some(Turn::Up) => log::info!("cluster {member} answers again"),
    }
}

/// Leaves out a version that there is no room for, and says whether this VM has another.
/// It is shared already then, and looked for at ticks.
pub(crate) fn pass_over(kind: Kind) -> bool {
    WORKER.with_borrow_mut(|worker| {
        worker.slot(kind).is_some_and(|slot| {
            slot.told = kind.shared_version();
            slot.is_good
        })
    })
}

/// Returns whether there is the memory to read a document of this size. An allocation in vain
/// would end the VM; this one does not.
pub(crate) fn has_room(bytes_per_byte: usize, size: usize) -> bool {
    let mut room = Vec::<u8>::new();
    let bytes = size.saturating_mul(bytes_per_byte);
    let is_there = room.try_reserve_exact(bytes).is_ok();
    // The compiler would leave out an allocation that nobody looks at.
    std::hint::black_box(&room);
    if !is_there {
        log::error!(
            "the worker's memory has no room for a configuration of {size} bytes; it keeps the one it has"
        );
    }
    is_there
}

// === impl Worker ===

impl Worker {
    fn new() -> Self {
        let [epochs, sessions] = RevocationKind::ALL.map(Kind::Revocations);
        Self {
            in_use: None,
            revocations: Revocations::default(),
            members: Members::default(),
            meters: Meters::default(),
            slots: [epochs, sessions, Kind::Config].map(Slot::new),
            shelf: Shelf::new(),
            heard: None,
            looks: HashMap::new(),
        }
    }

    fn slot(&mut self, kind: Kind) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.kind == kind)
    }

    /// Takes a document into use, if it is good; gives it back then.
    fn read(&mut self, kind: Kind, version: Version, document: Vec<u8>) -> Result<Vec<u8>, ()> {
        let outcome = match kind {
            Kind::Config => self.compile(&document),
            Kind::Revocations(_) => self
                .revocations
                .take(document.clone())
                .map(|size| log::debug!("{size} bytes of revocations are in force"))
                .map_err(|error| error.to_string()),
        };
        if let Some(slot) = self.slot(kind) {
            slot.told = Some(version.clone());
            slot.version = Some(version);
            slot.is_good |= outcome.is_ok();
        }
        outcome
            .map(|()| document)
            .map_err(|error| log::error!("the configuration is refused: {error}"))
    }

    fn compile(&mut self, document: &[u8]) -> Result<(), String> {
        let env = |name: &str| std::env::var(name).ok();
        let previous = self.in_use.as_deref();
        let (refused, members) = (&self.revocations, &self.members);
        let gateway = Gateway::compile(document, env, previous, refused, members, &self.meters)
            .map_err(|error| error.to_string())?;
        log::info!("configured");
        self.in_use = Some(Rc::new(gateway));
        Ok(())
    }

    /// Takes what the carrier has brought. The control plane that made it has no answer for
    /// what cannot be read: it is logged, and what was in force stays so.
    fn read_carried(&mut self) {
        let Self {
            shelf,
            revocations,
            members,
            heard,
            ..
        } = self;
        // As for those that this VM is given itself, and the frame.
        let room = |kind, size| match kind {
            Carried::Part(_) => has_room(9, size),
            Carried::Revocations(_) | Carried::Clock => has_room(3, size),
        };
        shelf.read(room, |kind, document| {
            let outcome = match kind {
                Carried::Part(kind) => members
                    .take(kind, document)
                    .map_err(|error| error.to_string()),
                Carried::Revocations(part) => revocations
                    .take_part(part, document.to_vec())
                    .map(drop)
                    .map_err(|error| error.to_string()),
                Carried::Clock => {
                    *heard = Some(Heard::of(document, heard.is_some()));
                    Ok(())
                }
            };
            if let Err(error) = outcome {
                let name = kind.filter_name();
                log::error!("{name} is refused: {error}");
            }
        });
    }

    fn read_waiting(&mut self) {
        for at in 0..self.slots.len() {
            let waiting = self.slots.get_mut(at).and_then(|slot| {
                let (version, document) = slot.waiting.take()?;
                // It may have been found among the shared ones.
                let is_new = slot.version.as_ref() != Some(&version);
                is_new.then_some((slot.kind, version, document))
            });
            if let Some((kind, version, document)) = waiting {
                // Another VM has found it good, and what is wrong is logged.
                let _ = self.read(kind, version, document);
            }
        }
    }

    /// Reads the shared versions that this VM has not, of those slots.
    fn read_shared(&mut self, wanted: impl Fn(&Slot) -> bool) {
        for at in 0..self.slots.len() {
            let Some(slot) = self.slots.get(at).filter(|slot| wanted(slot)) else {
                continue;
            };
            let kind = slot.kind;
            let document = slot.unread().and_then(|version| {
                // Before it is copied in.
                if !has_room(
                    kind.bytes_per_byte(),
                    kind.shared_size().unwrap_or_default(),
                ) {
                    return None;
                }
                let document = kind.shared(&version)?;
                Some((version, document))
            });
            // It may have been older code that shared it, or another document by now.
            if let Some((version, document)) = document
                && has_room(kind.bytes_per_byte(), document.len())
            {
                let _ = self.read(kind, version, document);
            }
        }
    }

    /// Reads what others have had for a whole tick. Of two that come one soon after the
    /// other, a slow VM that has had none yet may share the older one last, but never for
    /// so long.
    fn catch_up(&mut self) {
        self.read_shared(|slot| {
            let unread = slot.unread();
            unread.is_some() && (unread == slot.missed || !slot.is_good)
        });
        for slot in &mut self.slots {
            slot.missed = slot.unread();
        }
    }
}

// === impl Heard ===

impl Heard {
    /// A word that has just come; the first one of a VM may be an old one that it has found.
    fn of(document: &[u8], was_heard_before: bool) -> Self {
        let said = std::str::from_utf8(document).ok();
        let said = said.and_then(|said| said.parse().ok());
        let age = match (said, was_heard_before) {
            (Some(said), false) => envoy_host::now().saturating_sub(said),
            _ => 0,
        };
        Self {
            at: Instant::now(),
            age,
        }
    }

    /// By a clock that nobody sets: the other one may jump.
    fn age(&self) -> u64 {
        self.at.elapsed().as_secs().saturating_add(self.age)
    }
}

// === impl Slot ===

impl Slot {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            is_good: false,
            version: None,
            waiting: None,
            told: None,
            missed: None,
        }
    }

    /// Returns the shared version, when it is not the one that was read last.
    fn unread(&self) -> Option<Version> {
        let shared = self.kind.shared_version();
        shared.filter(|version| self.version.as_ref() != Some(version))
    }
}
