//! A response on its way: what it is labelled with, what is in it, and its answer.

use std::sync::Arc;
use std::time::Instant;

use cubegate_snapshot::ResourceType;

use super::topic::Holding;

/// A version, or `None` for "does not exist".
pub(super) type Target = Option<Arc<str>>;

/// What a response is labelled with.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) kind: ResourceType,
    pub(super) nonce: String,
    pub(super) version: String,
    pub(super) overdue_at: Instant,
}

/// A response without an answer.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) nonce: String,
    pub(super) version: String,
    pub(super) sent: Vec<Sent>,
    pub(super) overdue_at: Instant,
    pub(super) overdue: bool,
}

/// What it says of one name.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) name: Arc<str>,
    pub(super) target: Target,
    /// What Envoy had before.
    pub(super) before: Option<Holding>,
}

/// How far the response that was sent last has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Flight {
    /// There is none, or it has been answered.
    Landed,
    /// Envoy has not answered yet.
    Open,
    /// Envoy has not answered in time.
    Overdue,
}

/// The response that Envoy has answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) version: String,
    pub(super) names: Vec<Arc<str>>,
    /// Whether they are not sent again one by one.
    pub(super) is_final: bool,
}
