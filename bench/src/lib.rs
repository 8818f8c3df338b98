//! Measures the figures that the project promises.
//!
//! ```text
//! list ──> native     criterion's estimates (bench/native)
//!      ├─> in_envoy   the same engine in a real Envoy's VM (bench/engine-in-envoy)
//!      ├─> through    the page through Envoy ÷ the whole list through Envoy
//!      ├─> memory     what such requests add to Envoy
//!      └─> push_down  page 1 ÷ a native `limit` list, on a real API server
//!             └──> Report ──> target/bench/list.json and a table
//! tokens                      logins and tokens of the control plane
//!             └──> Report ──> target/bench/tokens.json and a table
//! console ──> pages    first paint and bytes in a real browser
//!         ├─> keys     the page of ten thousand access keys
//!         └─> table    thirty thousand pods, beside the gateway's own page
//!             └──> Report ──> target/bench/console.json and a table
//! fleet ──> members           a thousand members, and what they cost at rest
//!             └──> Report ──> target/bench/fleet.json and a table
//! xds ──> members             what a change costs where there are a thousand
//!             └──> Report ──> target/bench/xds.json and a table
//! requests ──> through        what a request costs, beside an Envoy without the filter
//!             └──> Report ──> target/bench/requests.json and a table
//! envoys ──> members, fakes   two hundred Envoys at one control plane
//!             └──> Report ──> target/bench/envoys.json and a table
//! ```
//!
//! Nothing here is a test: a figure that misses its goal is reported and the
//! program ends well. Only what cannot be measured is a failure.

pub mod console;
pub mod envoy;
pub mod envoys;
pub mod fleet;
pub mod in_envoy;
pub mod keep_alive;
pub mod list;
pub mod machine;
pub mod members;
pub mod memory;
pub mod native;
pub mod push_down;
pub mod report;
pub mod requests;
pub mod sample;
pub mod through;
pub mod tokens;
mod worker;
pub mod xds;

pub use report::{Figure, Goal, Report};
