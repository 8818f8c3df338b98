//! What is kept of a reading: it stays in memory for as long as the cluster is there.

use std::collections::BTreeSet;

use super::{Discovery, MAX_RESOURCES, MAX_VERSIONS, Version};

/// Versions in the order of their precedence: of each group a resource once, and only
/// so many of both.
#[derive(Default)]
pub(super) struct Kept {
    versions: Vec<Version>,
    /// Groups and plural names.
    names: BTreeSet<(String, String)>,
    leaves_out: bool,
}

// === impl Kept ===

impl Kept {
    /// Returns what is kept of these.
    pub(super) fn of(versions: Vec<Version>) -> Discovery {
        let mut kept = Self::default();
        for version in versions {
            kept.push(version);
        }
        kept.into_discovery(false)
    }

    /// Keeps what is new in a version.
    pub(super) fn push(&mut self, mut version: Version) {
        if self.versions.len() == MAX_VERSIONS {
            self.leaves_out = true;
            return;
        }
        let Version {
            group, resources, ..
        } = &mut version;
        if let Some(resources) = resources {
            resources.retain(|resource| {
                let name = (group.clone(), resource.plural.clone());
                if self.names.contains(&name) {
                    return false;
                }
                let has_room = self.names.len() < MAX_RESOURCES;
                self.leaves_out |= !has_room;
                has_room && self.names.insert(name)
            });
            resources.shrink_to_fit();
        }
        self.versions.push(version);
    }

    /// Returns whether something was left out for want of room; so will what comes behind it.
    pub(super) fn leaves_out(&self) -> bool {
        self.leaves_out
    }

    pub(super) fn into_discovery(self, leaves_out: bool) -> Discovery {
        Discovery {
            versions: self.versions,
            leaves_out: self.leaves_out || leaves_out,
        }
    }
}
