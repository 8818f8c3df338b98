//! Member clusters.

mod host;
mod known;
mod read;
pub(crate) mod reseal;
mod states;
mod write;

pub(crate) use known::Known;
pub use states::{CLUSTER_REPORT_INTERVAL, ClusterReport};
