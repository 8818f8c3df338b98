//! The control plane's HTTP API: login, keys, tokens, clusters.
//!
//! ```text
//! request ──log──> trailing slash? ──> Caller (who) ──> handler ──> store
//!                     │ redirect          │ 401            │ ApiError
//!                     ▼                   ▼                ▼
//!                 301 / 307      {"code","message"} in one place (error.rs)
//! ```
//!
//! The whole URL table is in `routes.rs` and the nouns below it; each operation has one file
//! under `routes/`. Paths, messages and their order are those of KubeCube's
//! documented OpenAPI, and under `/oauth` those of KubeSphere, so that clients of either
//! work unchanged.
//!
//! Who may do what is decided from the database and never from the token: a
//! token says who somebody is, the database says whether they still exist, may
//! log in, and administer the gateway.
//!
//! What this crate deliberately does not do: it binds no port and ends no TLS
//! (the runtime does), proxies nothing (the filter in Envoy does), and keeps no
//! state of its own but the counts of [`Throttle`].

mod audit;
mod clock;
mod cluster_state;
mod cookie;
mod error;
mod extract;
mod issuer;
mod member;
mod metrics;
mod openapi;
mod password;
mod peer;
mod respond;
mod review;
mod router;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod throttle;
pub mod views;

pub use clock::Clock;
pub use cluster_state::{ClusterState, ClusterStates, ClusterStatus};
pub use error::ApiError;
pub use extract::client_address;
pub use issuer::{DEFAULT_TOKEN_LIFETIME, Generation, IssuedToken, Issuer};
pub use metrics::Metrics;
pub use openapi::document as openapi;
pub use peer::{EnvoyPeer, Peer};
pub use router::{probes, router};
pub use state::{AppState, Document, OauthClient, OauthSettings, PublicGateway};
pub use throttle::{Throttle, ThrottleSettings, network};
