//! Envoys and their certificates: who is let in, and how they are renewed.
//!
//! ```text
//! store ──revisions──> watch: who is shut out ──> tls: connections end
//! tls ──who has come──> watch ──once a minute──> store: when it was here
//! ```

mod files;
mod local;
mod renewal;
mod watch;

pub(crate) use self::files::{AUTHORITY, IDENTITY, NodeFiles};
pub(crate) use self::local::LocalNode;
pub(crate) use self::renewal::{AUTHORITIES_PATH, RENEWAL_PATH, Renewal};
#[cfg(test)]
pub(crate) use self::watch::ShutOut;
pub(crate) use self::watch::{Nodes, keep};
