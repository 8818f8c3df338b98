//! Domain state to Envoy resources, a pure function.
//!
//! ```text
//! GatewayState ──snapshot()──> Snapshot { type → name → Resource { version, bytes } } ──> xds
//!   clusters ───> Secret (CA, client certificate or token), Cluster
//!   clusters ───> ExtensionConfig ×72 (what the filter is told of them, in parts)
//!   tokens, limits ───> ExtensionConfig ×2 (the filter, and its document)
//!   revocations ──────> ExtensionConfig ×2 (what the filter refuses)
//!   the time ─────────> ExtensionConfig (by which the filter knows that it is heard of)
//!   listener ───> Listener, Secret (certificate)
//!   (constant) ─> Listener (of the documents; nobody can connect to it)
//!   (constant) ─> RouteConfiguration
//! ```
//!
//! A resource's version is a digest of its bytes, so that it is the same after a
//! restart and on every replica, and an Envoy that reconnects is sent only what
//! has really changed.
//!
//! It deliberately opens no socket and keeps no state: that is `cubegate-xds`.

mod access_log;
mod address_range;
mod cluster;
mod connection;
mod extension_config;
mod listener;
mod local_reply;
mod made;
mod proto;
mod resource;
mod retry;
mod route;
mod secret;
mod state;
mod trace;
mod upstream_tls;

#[cfg(test)]
mod tests;

pub use access_log::access_line;
pub use address_range::{AddressRange, AddressRangeError};
pub use cluster::member_of;
pub use extension_config::{clock, revocations};
pub use made::Made;
pub use resource::{Resource, ResourceType, Snapshot};
pub use route::NO_FILTER;
pub use state::{
    AccessLog, AccessLogFormat, AccessLogTarget, ConnectionTimes, FilterModule, GatewayState,
    ListenerSettings, RoutePasses, ServingCertificate, TraceSettings,
};
