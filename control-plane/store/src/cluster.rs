//! Member clusters.

mod read;
mod write;
