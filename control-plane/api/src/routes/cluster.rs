//! Member clusters: which there are, for administrators; what they have, for everybody.

pub(crate) mod add;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod namespaces;
pub(crate) mod remove;
pub(crate) mod resources;
