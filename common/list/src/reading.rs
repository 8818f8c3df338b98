//! How a body relates to the list that was asked for.

use crate::sort::Rank;

/// How the body relates to the list that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// It is the list.
    #[default]
    Whole,
    /// It is the first objects of the list in the server's own order, as many as
    /// end the page (`limit=n` was asked for).
    Head,
    /// It is the list, perhaps as a Table: with `rows` in the place of `items`.
    Table,
    /// It is the list with the metadata of its objects and nothing else of them.
    Keys,
}

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey {
    /// Empty for what belongs to no namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

// === impl ObjectKey ===

impl From<&Rank<'_>> for ObjectKey {
    fn from(rank: &Rank<'_>) -> Self {
        Self {
            namespace: rank.namespace.clone().into_owned(),
            name: rank.name.clone().into_owned(),
        }
    }
}
