//! What is still to be said about one type, and how much of it goes into one
//! response.

use std::collections::BTreeSet;
use std::sync::Arc;

use cubegate_snapshot::Resource;

/// Above this many bytes a response is cut, and the rest follows once it has
/// been answered. A resource that is larger by itself travels alone.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The difference between what Envoy has and what it should have.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One entry per name, in the order of names.
    pub(super) steps: Vec<PlannedChange>,
    /// Envoy waits for an answer, be it an empty one.
    pub(super) reply_due: bool,
}

/// What is to be said about one name.
#[derive(Debug)]
pub(super) struct PlannedChange {
    pub(super) name: Arc<str>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// Envoy shall have this.
    Put(Arc<Resource>),
    /// Envoy shall lose this.
    Remove,
    /// Envoy has asked for a name that does not exist.
    Missing,
}

/// What the order of types allows at the moment, of what refers to others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) put: bool,
    pub(super) remove: bool,
}

// === impl Plan ===

impl Plan {
    /// Returns whether something is still to be added or changed.
    pub(super) fn puts(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.what, What::Put(_)))
    }

    /// Returns whether something is still to be removed.
    pub(super) fn removes(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.what, What::Remove))
    }

    /// Takes out what goes into the next response; `None` if there is nothing
    /// to say now. Names in `alone` never share a response.
    pub(super) fn take(
        &mut self,
        allowed: Allowed,
        alone: &BTreeSet<Arc<str>>,
    ) -> Option<Vec<PlannedChange>> {
        let mut bytes = 0_usize;
        let mut taken: Vec<PlannedChange> = self
            .steps
            .extract_if(.., |step| {
                if !step.is_allowed(allowed) || alone.contains(&step.name) {
                    return false;
                }
                let fits = bytes == 0 || bytes + step.bytes() <= MAX_RESPONSE_BYTES;
                if fits {
                    bytes += step.bytes();
                }
                fits
            })
            .collect();
        if taken.is_empty() {
            let suspect = self.steps.iter().position(|step| step.is_allowed(allowed));
            taken.extend(suspect.map(|index| self.steps.remove(index)));
        }
        // An empty answer says "there is nothing": not while something is held.
        let empty_reply = self.reply_due && !self.puts();
        (!taken.is_empty() || empty_reply).then_some(taken)
    }
}

// === impl PlannedChange ===

impl PlannedChange {
    fn is_allowed(&self, allowed: Allowed) -> bool {
        match self.what {
            What::Put(ref resource) => allowed.put || resource.stands_alone,
            What::Remove => allowed.remove,
            What::Missing => true,
        }
    }

    fn bytes(&self) -> usize {
        match &self.what {
            What::Put(resource) => self.name.len() + resource.value.len(),
            What::Remove | What::Missing => self.name.len(),
        }
    }
}
