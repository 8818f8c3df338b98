//! What the benchmarks measure with.
//!
//! ```text
//! PodList (seeded) ──to_json──> bytes ──page──> the engine, chunk by chunk
//!                                    └─tree_page──> the same with serde_json::Value
//! ```
//!
//! Nothing here measures or touches the machine, so that the same code runs
//! natively and in Envoy's wasm VM, and the same seed gives the same bytes in
//! both.

mod json;
pub mod names;
mod pods;
mod query;
mod random;

pub use cubegate_list::instruction_set;
pub use json::Json;
pub use pods::PodList;
pub use query::{CHUNK, QUERY, QueryError, page, tree_page};
pub use random::Random;
