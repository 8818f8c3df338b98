//! Refusals that are over in a moment, for want of memory, of a configuration or of
//! what was taken back.

use cubegate_kube::Family;

use crate::Reply;
use crate::memory::MemoryFull;
use crate::meters::Counter;
use crate::outages::PAUSE;

// === impl Reply ===

impl Reply {
    /// 507: the list requests of this worker, or of this user, together need too much
    /// memory.
    pub(crate) fn memory_full(family: Family, full: MemoryFull) -> Self {
        let message = match full {
            MemoryFull::Worker => {
                "The gateway is holding as many lists as it may; try again in a moment, or ask for a smaller page."
            }
            MemoryFull::User => {
                "The gateway is holding as many of your lists as it may; wait for the answers of the others, or ask for smaller pages."
            }
        };
        let counter = match full {
            MemoryFull::Worker => Counter::BudgetWorker,
            MemoryFull::User => Counter::BudgetUser,
        };
        Self::error(family, 507, message)
            .with_header("retry-after", "1")
            .counted_as(counter)
    }

    /// 503: the gateway knows neither keys nor clusters yet.
    pub(crate) fn not_configured(family: Family) -> Self {
        Self::error(
            family,
            503,
            "The gateway has just started and has no configuration yet; try again in a moment.",
        )
        .with_header("retry-after", "1")
    }

    /// 503: the cluster does not answer, and the gateway knows it already. On KubeCube's paths 502,
    /// as who was the first to ask was told: its clients know no other word for it.
    pub(crate) fn member_down(family: Family, name: &str) -> Self {
        if family == Family::KubeCube {
            return Self::upstream_failed(family, 502)
                .with_header("retry-after", &PAUSE.to_string())
                .counted_as(Counter::MemberDown);
        }
        let message = format!(
            "The API server of cluster {name} does not answer the gateway, which looks for it every {PAUSE} seconds; try again in a moment."
        );
        Self::busy(family, 503, &message, PAUSE).counted_as(Counter::MemberDown)
    }

    /// 503: the gateway has not heard of its control plane for too long, and is to refuse then.
    pub(crate) fn stale(family: Family, seconds: u64) -> Self {
        let message = format!(
            "The gateway has not heard of its control plane for {seconds} seconds, so that it does not know what was taken back, and lets nobody through meanwhile; try again in a moment."
        );
        Self::busy(family, 503, &message, 5).counted_as(Counter::Stale)
    }

    /// 503: nothing is known yet of what was taken back, so nobody can be let through.
    pub fn revocations_unknown(family: Family) -> Self {
        Self::error(
            family,
            503,
            "The gateway does not know yet which tokens were taken back, and lets nobody through before; try again in a moment.",
        )
        .with_header("retry-after", "1")
    }
}
