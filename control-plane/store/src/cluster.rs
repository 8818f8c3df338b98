//! Member clusters.

mod host;
mod read;
pub(crate) mod reseal;
mod states;
mod write;

pub use states::{CLUSTER_REPORT_INTERVAL, ClusterReport};
