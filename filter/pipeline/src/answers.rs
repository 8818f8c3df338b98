//! What an answer needs of the configuration that its request came under.

use cubegate_filter_config::FilterLimits;

use crate::last_word::LastWord;
use crate::memory::{Share, WorkerMemory};
use crate::meters::Meters;
use crate::outages::Outages;
use crate::pushdown::Learned;
use crate::refusals::Refusals;
use crate::unsent::Unsent;

/// What an exchange keeps once its request has gone on. It is small, and shared by all
/// configurations that say the same: a watch lasts for hours, and must not keep every
/// cluster and key of the time when it began.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) limits: FilterLimits,
    /// Whether answers depend on the origin at all.
    pub(crate) know_origins: bool,
    pub(crate) memory: WorkerMemory,
    pub(crate) learned: Learned,
    pub(crate) unsent: Unsent,
    pub(crate) refusals: Refusals,
    pub(crate) outages: Outages,
    pub(crate) last_word: LastWord,
    pub(crate) meters: Meters,
}

// === impl Answers ===

impl Answers {
    /// Returns the share of the worker's memory of a new request of this user.
    pub(crate) fn share(&self, user: &str) -> Share {
        self.memory.share(&self.limits, user)
    }
}
