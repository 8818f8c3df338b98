//! The documents that the carrier puts into Envoy's shared data, and which of them this VM has
//! read.
//!
//! One look at one version tells whether there is anything new, so each request can afford it: a
//! token that was taken back is refused from the next request on.

use cubegate_filter_config::{CARRIED_CHANGES_KEY, Carried, FRAME_HEAD, Frame};
use proxy_wasm::hostcalls;

/// What this VM has read.
pub(crate) struct Shelf {
    /// The version of what is under [`CARRIED_CHANGES_KEY`] as it was seen last.
    seen: Option<u32>,
    /// There was no room for a document when it was looked at.
    is_behind: bool,
    slots: Vec<Slot>,
}

/// Where one of the documents stands.
struct Slot {
    kind: Carried,
    head_key: String,
    frame_key: String,
    /// The head of the version that was read last.
    head: Option<[u8; FRAME_HEAD]>,
}

// === impl Shelf ===

impl Shelf {
    pub(crate) fn new() -> Self {
        let slots = Carried::all().map(|kind| Slot {
            kind,
            head_key: kind.head_key(),
            frame_key: kind.frame_key(),
            head: None,
        });
        Self {
            seen: None,
            is_behind: false,
            slots: slots.collect(),
        }
    }

    /// Hands over each document that is another than the one that was read last. `has_room` says
    /// whether there is the memory for one of so many bytes; what there is none for is left until
    /// the next change, or [`Self::look_again`].
    pub(crate) fn read(
        &mut self,
        has_room: impl Fn(Carried, usize) -> bool,
        mut take: impl FnMut(Carried, &[u8]),
    ) {
        let seen = version(CARRIED_CHANGES_KEY);
        if seen == self.seen {
            return;
        }
        self.is_behind = false;
        for slot in &mut self.slots {
            let Some(head) = get(&slot.head_key).and_then(|head| head.try_into().ok()) else {
                continue;
            };
            if slot.head == Some(head) {
                continue;
            }
            if !has_room(slot.kind, Frame::length(&head)) {
                self.is_behind = true;
                continue;
            }
            let Some(bytes) = get(&slot.frame_key) else {
                continue;
            };
            // Another thread may be about to write; then what is looked at is still to move.
            let frame = Frame::parse(&bytes).filter(|frame| *frame.head == head);
            if let Some(frame) = frame {
                slot.head = Some(head);
                take(slot.kind, frame.document);
            }
        }
        self.seen = seen;
    }

    /// Lets the next look be at everything, if there was no room for something at the last one:
    /// memory comes back, and who was locked out must not wait for the next who is.
    pub(crate) fn look_again(&mut self) {
        if self.is_behind {
            self.seen = None;
        }
    }
}

fn get(key: &str) -> Option<Vec<u8>> {
    hostcalls::get_shared_data(key).ok()?.0
}

/// Envoy gives what is put there another version each time.
fn version(key: &str) -> Option<u32> {
    hostcalls::get_shared_data(key).ok()?.1
}
