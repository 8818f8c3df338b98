//! The documents that the filter is given itself, and where all VMs of this Envoy find them.
//!
//! Envoy configures a VM only when a configuration comes. One that is made anew, after
//! the one before it has failed, finds here what that one had. So does one that runs
//! older code and gets no configuration any more, but still has streams.

use cubegate_filter_config::{REVOCATION_HEAD, RevocationKind};
use proxy_wasm::hostcalls;
use sha2::{Digest as _, Sha256};

/// Which document one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Keys and limits.
    Config,
    /// What is refused.
    Revocations(RevocationKind),
}

/// What a document is known by: a digest of its bytes, or a head that holds one. Revocations
/// may have megabytes, and come often; no worker has the time to digest them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(Vec<u8>);

/// Under what a document is found in Envoy's shared data.
struct Keys {
    document: &'static str,
    size: &'static str,
    version: &'static str,
}

// === impl Kind ===

impl Kind {
    /// The one that the plugin with this `root_id` brings.
    pub(crate) fn of_root(root_id: &[u8]) -> Self {
        RevocationKind::ALL
            .into_iter()
            .find(|kind| kind.filter_name().as_bytes() == root_id)
            .map_or(Self::Config, Self::Revocations)
    }

    /// Returns how much memory it takes while it is read, for each of its bytes.
    pub(crate) fn bytes_per_byte(self) -> usize {
        match self {
            Self::Config => 8,
            // They stay as they are.
            Self::Revocations(_) => 2,
        }
    }

    /// The keys under which it is shared. Size and version are there by themselves, so
    /// that a look costs no copy of the document.
    fn keys(self) -> Keys {
        match self {
            Self::Config => Keys {
                document: "cubegate/config",
                size: "cubegate/config/size",
                version: "cubegate/config/version",
            },
            Self::Revocations(RevocationKind::Epochs) => Keys {
                document: "cubegate/epochs",
                size: "cubegate/epochs/size",
                version: "cubegate/epochs/version",
            },
            Self::Revocations(RevocationKind::Sessions) => Keys {
                document: "cubegate/sessions",
                size: "cubegate/sessions/size",
                version: "cubegate/sessions/version",
            },
        }
    }

    /// Returns which version is shared.
    pub(crate) fn shared_version(self) -> Option<Version> {
        get(self.keys().version).map(Version)
    }

    /// Returns how large the shared document is, in bytes. Older code does not say.
    pub(crate) fn shared_size(self) -> Option<usize> {
        let size = get(self.keys().size)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(size)).ok()
    }

    /// Returns the shared document, when it is the one of this version.
    pub(crate) fn shared(self, version: &Version) -> Option<Vec<u8>> {
        // Another VM may be about to write.
        get(self.keys().document).filter(|document| Version::of(self, document) == *version)
    }

    /// Shares a document, unless it is the one that is shared.
    pub(crate) fn share(self, version: &Version, document: &[u8]) {
        if self.shared_version().as_ref() == Some(version) {
            return;
        }
        let keys = self.keys();
        let size = u64::try_from(document.len()).unwrap_or(u64::MAX);
        // The version last: who finds it finds what belongs to it.
        let written = hostcalls::set_shared_data(keys.document, Some(document), None)
            .and_then(|()| hostcalls::set_shared_data(keys.size, Some(&size.to_le_bytes()), None))
            .and_then(|()| hostcalls::set_shared_data(keys.version, Some(&version.0), None));
        if let Err(status) = written {
            log::warn!(
                "{} could not be shared with other workers: {status:?}",
                keys.document
            );
        }
    }
}

// === impl Version ===

impl Version {
    pub(crate) fn of(kind: Kind, document: &[u8]) -> Self {
        Self(match kind {
            Kind::Config => Sha256::digest(document).iter().copied().collect(),
            Kind::Revocations(_) => document.get(..REVOCATION_HEAD).unwrap_or(document).to_vec(),
        })
    }
}

fn get(key: &str) -> Option<Vec<u8>> {
    hostcalls::get_shared_data(key).ok()?.0
}
