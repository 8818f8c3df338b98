//! Member clusters.

mod host;
mod read;
pub(crate) mod reseal;
mod write;
