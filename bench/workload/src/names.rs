//! What criterion's results are filed under, for who writes and who reads them.

/// The group of the benchmarks in `bench/native`.
pub const GROUP: &str = "list";
/// The engine there, in chunks of [`CHUNK`](crate::CHUNK).
pub const ENGINE: &str = "engine-16k";
/// The tree beside it.
pub const TREE: &str = "serde-json-value";
