//! Every decision of the filter, in plain Rust behind a [`Host`] trait.
//!
//! ```text
//! request headers                                         response headers, chunks
//!   │                                                        │
//!   ▼                                                        ▼
//! verify ──> route ──> upstream ──────> (API server) ──────> list ──> reply
//! Caller     Target    Rewrite                               page     one body per API family
//! ```
//!
//! A page may take more than one answer; `pushdown` says when, and `followup`
//! what is asked then.
//!
//! Each step takes what the step before it made, so their order is a fact of
//! the types: no rewritten request without a caller, no caller
//! without verified claims.
//!
//! [`Gateway`] is a configuration, compiled once per push; [`Exchange`] is one
//! request and its answer. The crate deliberately calls no Envoy function, so
//! that all of it runs in a host test; `cubegate-filter` only translates
//! callbacks. Nothing here panics: a panic would take an Envoy worker's VM down.

mod accept;
mod access_line;
mod answers;
mod basic;
mod call;
mod cors;
mod credential;
mod exchange;
mod followup;
mod gateway;
mod gzip;
mod headers;
mod host;
mod impersonation;
mod kubesphere;
mod last_word;
mod list;
mod location;
mod members;
mod memory;
mod meters;
mod misplaced;
mod outages;
mod pushdown;
mod refusals;
mod reply;
mod request_head;
mod revocation;
mod route;
mod sandbox;
mod scope;
mod streams;
mod throttle;
mod unsent;
mod upstream;
mod upstream_path;
mod verify;

#[cfg(test)]
mod tests;

pub use call::Call;
pub use exchange::{Exchange, Flow};
pub use gateway::{CompileError, Gateway};
pub use headers::Headers;
pub use host::{Host, HostError};
pub use members::Members;
pub use meters::{Counter, Meters};
pub use outages::{Probe, Turn};
pub use reply::Reply;
pub use request_head::RequestHead;
pub use revocation::{Revocations, TokenMarks};
