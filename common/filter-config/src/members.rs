//! The table of members, and what they have, in parts that change apart from each other.
//!
//! ```text
//! cluster's name ──part_of──> MembersPart ──discovery: TableId──> DiscoveryPart ──> Resources
//! ```
//!
//! A member that is added moves the one part that its name belongs to, some kilobytes of a
//! thousand members, and no other. What a cluster's discovery says is told once for all members of which
//! it is the same, under a digest of itself: those of one release of Kubernetes with the
//! same add-ons.
//!
//! How many parts there are is fixed, for each travels as a filter of its own, and a listener
//! that gets other filters is made anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ClusterEntry, ConfigError, Resources, VERSION, is_false, read};

/// How many parts the table of members has. A change of a member brings its part anew, so they
/// are small; but each is a plugin of Envoy's, however little is in it.
pub const MEMBERS_PARTS: u8 = 64;

/// How many parts the discovery tables are in.
pub const DISCOVERY_PARTS: u8 = 8;

/// What the names of the filters begin with that bring parts; a number of two digits follows.
const MEMBERS_FILTER: &str = "cubegate-members-";
const DISCOVERY_FILTER: &str = "cubegate-discovery-";

/// How much of a table's digest its id has, in bytes. A member tells what it has, and must not
/// be able to make a table of the id of another's.
const ID_BYTES: usize = 12;

/// Which document with a part of the clusters one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// A [`MembersPart`], below [`MEMBERS_PARTS`].
    Members(u8),
    /// A [`DiscoveryPart`], below [`DISCOVERY_PARTS`].
    Discovery(u8),
}

/// A discovery table by a digest of what it says, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableId(String);

/// Members whose names belong to one part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembersPart {
    /// [`VERSION`].
    pub version: u32,
    /// The members by the name that a path gives.
    pub members: BTreeMap<String, MemberEntry>,
}

/// One member as the filter sees it. Its Envoy cluster follows from its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    /// [`ClusterEntry::authority`].
    pub authority: String,
    /// [`ClusterEntry::path_prefix`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path_prefix: String,
    /// [`ClusterEntry::any_path`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub any_path: bool,
    /// The control plane gets no answer from it. An Envoy elsewhere may, so the filter looks
    /// for itself before it refuses requests.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unreachable: bool,
    /// What it has; `None` while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<TableId>,
}

/// Discovery tables whose ids belong to one part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscoveryPart {
    /// [`VERSION`].
    pub version: u32,
    /// The tables by their ids.
    pub tables: BTreeMap<TableId, Resources>,
}

/// Returns a member's Envoy cluster.
pub fn upstream_of(member: &str) -> String {
    format!("cluster/{member}")
}

/// FNV-1a: nothing depends on it but which names share a part.
fn part_of(name: &str, parts: u8) -> u8 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV-1a are the weak ones.
    let folded = hash ^ (hash >> 16);
    u8::try_from(folded % u32::from(parts.max(1))).unwrap_or_default()
}

// === impl PartKind ===

impl PartKind {
    /// Returns all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let members = (0..MEMBERS_PARTS).map(Self::Members);
        members.chain((0..DISCOVERY_PARTS).map(Self::Discovery))
    }

    /// Returns the one that a member of this name is in.
    pub fn of_member(name: &str) -> Self {
        Self::Members(part_of(name, MEMBERS_PARTS))
    }

    /// Returns the one that a table is in.
    pub fn of_table(id: &TableId) -> Self {
        Self::Discovery(part_of(&id.0, DISCOVERY_PARTS))
    }

    /// Returns the name of the filter that carries it, and its `root_id`.
    pub fn filter_name(self) -> String {
        match self {
            Self::Members(number) => format!("{MEMBERS_FILTER}{number:02}"),
            Self::Discovery(number) => format!("{DISCOVERY_FILTER}{number:02}"),
        }
    }

    /// Returns the one that the filter of this name carries.
    pub fn of_filter(name: &str) -> Option<Self> {
        let number = |rest: &str, parts| rest.parse().ok().filter(|number| *number < parts);
        let found = match name.strip_prefix(MEMBERS_FILTER) {
            Some(rest) => number(rest, MEMBERS_PARTS).map(Self::Members),
            None => {
                number(name.strip_prefix(DISCOVERY_FILTER)?, DISCOVERY_PARTS).map(Self::Discovery)
            }
        };
        found.filter(|found| found.filter_name() == name)
    }
}

// === impl TableId ===

impl TableId {
    /// Returns the id of a table.
    ///
    /// # Errors
    /// Never in practice; the serializer's error is handed on.
    pub fn of(table: &Resources) -> Result<Self, ConfigError> {
        let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(table)?).into();
        let id = digest.iter().take(ID_BYTES);
        Ok(Self(id.map(|byte| format!("{byte:02x}")).collect()))
    }
}

// === impl MembersPart ===

impl MembersPart {
    /// A part without a member.
    pub fn new() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// As [`crate::FilterConfig::from_json`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        read(bytes)
    }
}

// === impl MemberEntry ===

impl MemberEntry {
    /// Returns the cluster of this name. What it has stands elsewhere.
    pub fn into_cluster(self, name: &str) -> ClusterEntry {
        ClusterEntry {
            upstream: upstream_of(name),
            upgrade_upstream: None,
            authority: self.authority,
            path_prefix: self.path_prefix,
            any_path: self.any_path,
            resources: Resources::new(),
        }
    }
}

// === impl DiscoveryPart ===

impl DiscoveryPart {
    /// A part without a table.
    pub fn new() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// As [`crate::FilterConfig::from_json`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigError> {
        read(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResourceEntry;

    fn table(kind: &str) -> Resources {
        let entry = ResourceEntry {
            path: "/api/v1".to_owned(),
            kind: kind.to_owned(),
            namespaced: true,
        };
        Resources::from([("pods".to_owned(), vec![entry])])
    }

    #[test]
    fn a_filters_name_says_what_it_carries() {
        let names: Vec<_> = PartKind::all().map(PartKind::filter_name).collect();
        assert_eq!(names.len(), 72);
        for (kind, name) in PartKind::all().zip(&names) {
            assert_eq!(PartKind::of_filter(name), Some(kind));
        }
        for other in [
            "cubegate",
            "cubegate-members-",
            "cubegate-members-1",
            "cubegate-members-+1",
            "cubegate-members-64",
            "cubegate-discovery-08",
        ] {
            assert_eq!(PartKind::of_filter(other), None, "{other}");
        }
    }

    #[test]
    fn a_thousand_members_share_the_parts_evenly() {
        let mut counts = [0_u32; MEMBERS_PARTS as usize];
        for number in 0..1_000 {
            if let PartKind::Members(part) = PartKind::of_member(&format!("member-{number:04}")) {
                counts[usize::from(part)] += 1;
            }
        }
        assert!(
            counts.iter().all(|count| (5..=30).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_table_is_known_by_what_it_says() {
        let pods = TableId::of(&table("Pod")).unwrap();
        assert_eq!(pods.0.len(), 24);
        assert_eq!(TableId::of(&table("Pod")).unwrap(), pods);
        assert_ne!(TableId::of(&table("Pot")).unwrap(), pods);
    }

    #[test]
    fn parts_are_read_as_they_were_written_and_no_others() {
        let id = TableId::of(&table("Pod")).unwrap();
        let entry = MemberEntry {
            authority: "10.0.0.1:6443".to_owned(),
            path_prefix: String::new(),
            any_path: false,
            unreachable: false,
            discovery: Some(id.clone()),
        };
        let mut members = MembersPart::new();
        members.members.insert("member-1".to_owned(), entry);
        let bytes = serde_json::to_vec(&members).unwrap();
        assert_eq!(MembersPart::from_json(&bytes).unwrap(), members);
        let mut tables = DiscoveryPart::new();
        tables.tables.insert(id, table("Pod"));
        let bytes = serde_json::to_vec(&tables).unwrap();
        assert_eq!(DiscoveryPart::from_json(&bytes).unwrap(), tables);
        assert!(matches!(
            MembersPart::from_json(br#"{"version":7,"members":{}}"#),
            Err(ConfigError::Version { found: 7 })
        ));
        assert!(DiscoveryPart::from_json(br#"{"version":1,"tables":{},"x":1}"#).is_err());
    }
}
