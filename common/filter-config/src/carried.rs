//! Documents that change often, and how they come to the filter.
//!
//! ```text
//! Frame { head, document } ──configuration of the carrier──> Envoy's shared data ──> filter
//! ```
//!
//! The carrier is a small module (`filter/carrier`). It knows of a document what stands in its
//! head.

use sha2::{Digest, Sha256};

use crate::members::{DISCOVERY_PARTS, MEMBERS_PARTS};
use crate::{PartKind, REVOCATION_PARTS, RevocationKind, RevocationPart};

/// How long a head is, in bytes: the digest by which versions are told apart (16), the slot
/// (1, and 3 that are zero) and the length of what follows (4, the lowest first).
pub const FRAME_HEAD: usize = 24;

/// How much of it tells versions apart.
const DIGEST: usize = 16;

/// The key of Envoy's shared data whose version (`cas`) moves with every document.
pub const CARRIED_CHANGES_KEY: &str = "c";

/// The first slot of the members' parts. Those before it were the lists of what is refused, when
/// they came whole.
const FIRST: u8 = 2;

/// The slot of the time.
const CLOCK: u8 = FIRST + MEMBERS_PARTS + DISCOVERY_PARTS;

/// The name of the filter that brings the time.
const CLOCK_FILTER: &str = "cubegate-clock";

/// Which document one is that the carrier brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// A part of what is refused.
    Revocations(RevocationPart),
    /// A part of the clusters.
    Part(PartKind),
    /// What time it is at the control plane, in decimal digits: by which an Envoy knows that it
    /// still has one.
    Clock,
}

/// A document with its head, in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The whole head: two frames of equal heads are the same.
    pub head: &'a [u8; FRAME_HEAD],
    /// What it says.
    pub document: &'a [u8],
}

// === impl Carried ===

impl Carried {
    /// Returns all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let revocations = RevocationPart::all().map(Self::Revocations);
        let parts = PartKind::all().map(Self::Part);
        revocations.chain(parts).chain([Self::Clock])
    }

    /// Returns the name of the filter that brings it.
    pub fn filter_name(self) -> String {
        match self {
            Self::Revocations(part) => part.filter_name(),
            Self::Part(kind) => kind.filter_name(),
            Self::Clock => CLOCK_FILTER.to_owned(),
        }
    }

    /// Returns its place among all documents, below 128. An Envoy may run filters of two
    /// releases at once, which share their data: a slot never gets another meaning.
    fn slot(self) -> u8 {
        match self {
            Self::Part(PartKind::Members(part)) => FIRST + part % MEMBERS_PARTS,
            Self::Part(PartKind::Discovery(part)) => FIRST + MEMBERS_PARTS + part % DISCOVERY_PARTS,
            Self::Clock => CLOCK,
            Self::Revocations(part) => {
                let first = match part.kind() {
                    RevocationKind::Epochs => CLOCK + 1,
                    RevocationKind::Sessions => CLOCK + 1 + REVOCATION_PARTS,
                };
                first + part.number()
            }
        }
    }

    /// Returns the key of Envoy's shared data under which its head is.
    pub fn head_key(self) -> String {
        format!("v{}", char::from(self.slot()))
    }

    /// Returns the key of Envoy's shared data under which its frame is.
    pub fn frame_key(self) -> String {
        format!("d{}", char::from(self.slot()))
    }

    /// Puts a head before a document.
    pub fn frame(self, document: &[u8]) -> Vec<u8> {
        let digest = Sha256::new().chain_update([self.slot()]);
        let digest = digest.chain_update(document).finalize();
        let length = u32::try_from(document.len()).unwrap_or(u32::MAX);
        let mut frame = Vec::with_capacity(FRAME_HEAD.saturating_add(document.len()));
        frame.extend(digest.iter().take(DIGEST));
        frame.extend([self.slot(), 0, 0, 0]);
        frame.extend(length.to_le_bytes());
        frame.extend_from_slice(document);
        frame
    }
}

// === impl Frame ===

impl<'a> Frame<'a> {
    /// Takes a frame apart. `None`: it is none.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, document) = bytes.split_first_chunk()?;
        Some(Self { head, document })
    }

    /// Returns how long the document is that belongs to a head.
    pub fn length(head: &[u8; FRAME_HEAD]) -> usize {
        let length = head.last_chunk().copied().map_or(0, u32::from_le_bytes);
        usize::try_from(length).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_document_has_a_slot_of_its_own() {
        let slots: BTreeSet<u8> = Carried::all().map(Carried::slot).collect();
        assert_eq!(slots.len(), Carried::all().count());
        assert!(slots.iter().all(u8::is_ascii));
        let keys: BTreeSet<String> = Carried::all()
            .flat_map(|kind| [kind.head_key(), kind.frame_key()])
            .collect();
        assert_eq!(keys.len(), 2 * slots.len());
        assert!(keys.iter().all(|key| key.len() == 2));
    }

    #[test]
    fn a_frame_is_taken_apart_as_it_was_made() {
        let kind = Carried::Part(PartKind::Members(31));
        let frame = kind.frame(b"{}");
        let parsed = Frame::parse(&frame).unwrap();
        assert_eq!(
            (parsed.document, Frame::length(parsed.head)),
            (&b"{}"[..], 2)
        );
        assert_eq!(parsed.head[DIGEST], 33);
        assert_eq!(Frame::parse(&frame[..FRAME_HEAD - 1]), None);
        let other = kind.frame(b"[]");
        assert_ne!(Frame::parse(&other).unwrap().head, parsed.head);
    }
}
