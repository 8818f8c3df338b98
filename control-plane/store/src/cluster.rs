//! Member clusters.

mod host;
mod read;
mod reseal;
mod write;
