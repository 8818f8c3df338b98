//! Member clusters, for administrators.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;
