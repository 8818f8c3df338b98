//! Lists of a document that are as long as the cluster likes.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// An element of a list, and what is kept of it.
pub(super) trait Listed {
    /// What it becomes.
    type Kept;
    /// How many are kept of one list; those behind are read over.
    const MOST: usize;

    /// Nothing: it is left out, and does not count.
    fn kept(self) -> Option<Self::Kept>;
}

/// A list, read an element at a time: `{}` takes two bytes in a document, and many times as
/// many here.
pub(super) struct Listing<L: Listed>(pub(super) Vec<L::Kept>);

// === impl Listing ===

impl<L: Listed> Default for Listing<L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, L: Listed + Deserialize<'de>> Deserialize<'de> for Listing<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

struct Elements<L>(PhantomData<L>);

// === impl Elements ===

impl<'de, L: Listed + Deserialize<'de>> Visitor<'de> for Elements<L> {
    type Value = Listing<L>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Listing<L>, A::Error> {
        let mut kept = Vec::new();
        // One that is `null` is none.
        while let Some(element) = elements.next_element::<Option<L>>()? {
            if kept.len() < L::MOST {
                kept.extend(element.and_then(L::kept));
            }
        }
        Ok(Listing(kept))
    }
}
