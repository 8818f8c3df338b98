//! What an answer needs of the configuration that its request came under.

use cubegate_filter_config::Limits;

use crate::memory::{Share, WorkerMemory};
use crate::pushdown::Learned;
use crate::unsent::Unsent;

/// What an exchange keeps once its request has gone on. It is small, and shared by all
/// configurations that say the same: a watch lasts for hours, and must not keep every
/// cluster and key of the time when it began.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) limits: Limits,
    /// Whether answers depend on the origin at all.
    pub(crate) know_origins: bool,
    pub(crate) memory: WorkerMemory,
    pub(crate) learned: Learned,
    pub(crate) unsent: Unsent,
}

// === impl Answers ===

impl Answers {
    /// The share of the worker's memory of a new request of this user.
    pub(crate) fn share(&self, user: &str) -> Share {
        self.memory.share(&self.limits, user)
    }

    pub(crate) fn list_limits(&self) -> cubegate_list::Limits {
        cubegate_list::Limits {
            max_item_bytes: self.limits.max_item_bytes,
            max_page_bytes: self.limits.max_page_bytes,
            max_envelope_bytes: self.limits.max_envelope_bytes,
        }
    }
}
