//! The control plane's two ports: TLS by the xDS CA, and whose each connection is.
//!
//! ```text
//! TcpListener ──accept──> handshake (10 s) ──> whose certificate? ──> Arrival ──> api, xds
//!                                                └ nobody's, shut out: closed
//! ```
//!
//! The port of xDS is for Envoys alone. Of the HTTP API an Envoy's word is believed about
//! its clients; whoever shows no certificate is served as well, under its own address.
//! Each address has a share of what there may be (`peers`).

mod accept;
mod connection;
mod identity;
mod peers;
#[cfg(test)]
mod tests;

pub(crate) use self::accept::Door;
#[cfg(test)]
use self::accept::Incoming;
pub(crate) use self::identity::{Identity, keep_fresh};
pub(crate) use self::peers::Peers;
