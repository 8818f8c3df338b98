//! Make before break: what may be sent now, given how far the other types are.
//!
//! ```text
//! put      Secret → Cluster →(answered)→ ExtensionConfig → Listener → RouteConfiguration
//! remove   Listener →(accepted)→ ExtensionConfig, RouteConfiguration →(accepted)→ Cluster →(accepted)→ Secret
//! ```
//!
//! A put waits only for earlier types, a removal only for types that may still
//! refer to what is removed, and a put never waits for a removal: there is no
//! circle. A type that Envoy has not asked for holds nobody up. What comes first
//! in a poll is also written to the stream first, and Envoy reads a stream in
//! order; so only clusters, which take time to become usable, need an answer
//! before the types after them may go.
//!
//! What refers to nothing waits for nothing: the lists of what was revoked travel as
//! extension configs and go at once, however long a cluster takes to become usable.
//!
//! Secrets wait for nothing: Envoy asks for them when it has the cluster that
//! names them, and keeps the answer to that cluster back until it has them.

use std::collections::BTreeMap;

use cubegate_snapshot::ResourceType;

use super::flight::Flight;

/// How far one type is. A type that is not on the board was not asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Progress {
    /// Something is still to be added or changed.
    pub(super) puts: bool,
    /// Something is still to be removed.
    pub(super) removes: bool,
    /// The response that was sent last.
    pub(super) flight: Flight,
    /// Envoy keeps something old because it has refused the new.
    pub(super) keeps_old: bool,
}

/// How far all types are.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) types: BTreeMap<ResourceType, Progress>,
    /// The stream has just begun, so types may be missing that Envoy is about
    /// to ask for.
    pub(super) opening: bool,
}

// === impl Board ===

impl Board {
    /// Returns whether additions and changes of `kind` may go. `resumed`: Envoy came
    /// with resources of this type from an earlier stream, so it is running, and
    /// will ask for the other types as well.
    pub(super) fn may_put(&self, kind: ResourceType, resumed: bool) -> bool {
        ResourceType::ALL
            .into_iter()
            .filter(|earlier| *earlier < kind)
            .all(|earlier| {
                let needs_answer = earlier == ResourceType::Cluster;
                match self.types.get(&earlier) {
                    Some(progress) if needs_answer && progress.flight == Flight::Open => false,
                    Some(progress) => !progress.puts,
                    None => !(needs_answer && resumed && self.opening),
                }
            })
    }

    /// Returns whether removals of `kind` may go: nothing that Envoy has can refer to
    /// them any more.
    pub(super) fn may_remove(&self, kind: ResourceType, resumed: bool) -> bool {
        referrers(kind)
            .iter()
            .all(|referrer| match self.types.get(referrer) {
                Some(progress) => {
                    !progress.puts
                        && !progress.removes
                        && !progress.keeps_old
                        && progress.flight == Flight::Landed
                }
                None => !(resumed && self.opening),
            })
    }
}

/// The types whose resources may refer to resources of `kind`.
fn referrers(kind: ResourceType) -> &'static [ResourceType] {
    match kind {
        ResourceType::Secret => &[ResourceType::Cluster, ResourceType::Listener],
        ResourceType::Cluster => &[
            ResourceType::ExtensionConfig,
            ResourceType::Listener,
            ResourceType::RouteConfiguration,
        ],
        ResourceType::ExtensionConfig | ResourceType::RouteConfiguration => {
            &[ResourceType::Listener]
        }
        ResourceType::Listener => &[],
    }
}
