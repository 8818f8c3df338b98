//! Aggregated discovery (delta xDS) over gRPC: keeps every Envoy at the newest
//! [`Snapshot`](cubegate_snapshot::Snapshot).
//!
//! ```text
//! watch<Arc<Snapshot>> ──50 ms──┐
//!                               v
//! Envoy ══ADS══> server ─> stream task ─> Session (no input/output)
//!       <═══════          <─ one response per type in flight
//!                               └──> Envoys: who is connected, what it accepted
//! ```
//!
//! The same port takes the Envoys' access logs and hands them on as they come
//! ([`AccessLog`]); what they are for is not known here.
//!
//! # Order
//!
//! What is referred to comes before what refers to it, and goes after it:
//!
//! ```text
//! put      Secret → Cluster →(answered)→ ExtensionConfig → Listener → RouteConfiguration
//! remove   Listener →(accepted)→ ExtensionConfig, RouteConfiguration →(accepted)→ Cluster →(accepted)→ Secret
//! ```
//!
//! Envoy answers clusters only when they are warm, and asks for their secrets in
//! between; secrets therefore wait for nothing. Nor do resources that refer to nothing,
//! as the lists of what was revoked. A refused update (a NACK) counts
//! as an answer, so one bad resource does not hold up the other types, but it is
//! not an acceptance: what the old version may refer to is kept.
//!
//! # What it deliberately does not do
//!
//! - It does not build resources; that is `cubegate-snapshot`.
//! - It gives all Envoys the same snapshot. Who may connect, and under which name, is
//!   decided by whoever accepts the connections ([`Connection`]); an Envoy that goes by
//!   another name than that of its certificate is refused.
//! - It does not speak the state-of-the-world variant; an Envoy that tries is
//!   told which line of its bootstrap to change.
//! - It does not send a resource again that Envoy has refused, until its version
//!   changes. Only if a response of several resources was refused, each of them
//!   is sent once more by itself: Envoy does not reliably say which was the bad
//!   one, and may have skipped the good ones.

mod access_log;
mod connection;
mod lag;
mod metrics;
mod requests;
mod response;
mod server;
mod session;
mod status;
mod stream;
mod turn;

pub use access_log::{AccessLog, AccessLogEntry};
pub use connection::{Connection, Peer};
pub use metrics::Metrics;
pub use response::Response;
pub use server::{MAX_RESOURCE_BYTES, XdsError, XdsServer};
pub use session::{Event, Node, Session, SessionError};
pub use status::{Accepted, EnvoyStatus, Envoys, Refusal, Refuses};
