//! Member clusters.

mod host;
mod read;
mod write;
