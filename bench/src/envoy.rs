//! An Envoy of the benchmarks' own: a static configuration, no control plane.

pub mod config;
pub mod logs;

pub use cubegate_tests::static_envoy::{Config, Envoy};

/// As many as the published figures have; more than one, as in production.
pub const WORKERS: usize = 2;
