//! The two places of an Envoy: one that serves, and one that stands by.

use std::path::{Path, PathBuf};

/// One of the places. Which of them serves changes whenever the other takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    First,
    Second,
}

/// What differs between the places.
#[derive(Debug, Clone)]
pub(crate) struct Place<T> {
    pub(crate) first: T,
    pub(crate) second: T,
}

// === impl Slot ===

impl Slot {
    pub(crate) const ALL: [Self; 2] = [Self::First, Self::Second];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// `node.cluster` of the Envoy in it. The name and the certificate are those of the
    /// data directory.
    pub(crate) fn node_cluster(self) -> &'static str {
        match self {
            Self::First => "cubegate",
            Self::Second => "cubegate-2",
        }
    }

    /// Returns the bootstrap of the Envoy in it.
    pub(crate) fn bootstrap(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::First => "bootstrap.yaml",
            Self::Second => "bootstrap-2.yaml",
        })
    }
}

// === impl Place ===

impl<T> Place<T> {
    pub(crate) fn of(&self, slot: Slot) -> &T {
        match slot {
            Slot::First => &self.first,
            Slot::Second => &self.second,
        }
    }
}
