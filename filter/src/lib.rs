//! The Envoy filter: callbacks and host calls only.
//!
//! ```text
//! Envoy ──callback──> StreamContext ──> cubegate_pipeline::Exchange
//!   ▲                                        │ decisions
//!   └──────── host calls (EnvoyHost) <───────┘
//! ```
//!
//! Every decision is made in `cubegate-pipeline`, which runs in host tests; this
//! crate translates between its [`Flow`](cubegate_pipeline::Flow) and Envoy's
//! actions. It links only inside a wasm host.
//!
//! The plugin must be configured with `allow_on_headers_stop_iteration: true`:
//! a list's headers are held while its body callbacks go on.

#![expect(
    missing_docs,
    reason = "the SDK's macro exports a function without any"
)]

mod carried;
mod document;
mod envoy_host;
mod metrics;
mod root;
mod stream;
mod worker;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(root::Root));
}}
