//! Member clusters.

mod discoveries;
mod host;
mod known;
mod read;
pub(crate) mod reseal;
mod sources;
mod states;
mod token;
mod write;

pub use discoveries::ClusterDiscovery;
pub(crate) use known::{Known, Touched};
pub use sources::SOURCE_BATCH;
pub use states::{CLUSTER_REPORT_INTERVAL, ClusterReport};
