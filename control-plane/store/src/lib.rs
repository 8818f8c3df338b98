//! Users, access keys and clusters on SQLite or PostgreSQL.
//!
//! ```text
//! api ─┐                        ┌─ users, user_groups   argon2id
//! CLI ─┼──> Store (one per process, cheap to clone) ──> access_keys  HMAC under a pepper
//! xds ─┘      │                 └─ clusters             credential sealed
//!             └─ subscribe() ──> revision, also when another process moved it
//! ```
//!
//! What a commit promises: it survives `kill -9` of the process and of the
//! machine (SQLite: write-ahead log, `synchronous = FULL`; PostgreSQL: what that
//! server's `synchronous_commit` says, `on` unless somebody has changed it).
//! Several processes may use one database at a time: the CLI changes clusters
//! while the server runs, and the server is told of it (`wake`).
//!
//! Every statement is the same text for both databases, through the `Any` driver
//! of `sqlx`; what differs is in `connect`. What such a statement may say is in
//! `migrations/README.md`.
//!
//! What this crate deliberately does not do: it knows no HTTP, decides no
//! permission, and reads no clock (times are passed in). There is no trait in
//! front of [`Store`]: its tests run on real database files and on a real PostgreSQL.

mod audit;
mod census;
mod change;
mod check;
mod checkpoint;
mod cluster;
mod connect;
mod database;
mod envoy;
mod error;
mod key;
mod master_key;
mod metrics;
mod migrate;
mod node;
mod outbox;
mod password;
mod patience;
mod rekey;
mod revision;
mod revocation;
mod row;
mod seal;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod user;
mod wake;

pub use audit::{AuditClass, AuditOrder, AuditRange, AuditRow, Purged};
pub use census::{Census, Waiting};
pub use change::{Changed, Recording, recorded};
pub use check::{CHECK_LIFETIME, CheckAnswer, CheckVerdict, ClusterCheck};
pub use cluster::{CLUSTER_REPORT_INTERVAL, ClusterDiscovery, ClusterReport, SOURCE_BATCH};
pub use connect::Migrations;
pub use database::{DatabaseUrl, DatabaseUrlError};
pub use envoy::{
    AcceptedResources, ENVOY_REPORT_INTERVAL, EnvoyAnswers, EnvoyReport, EnvoyState,
    RefusedResource,
};
pub use error::StoreError;
pub use key::{IdempotencyKey, ImportedKey, IssuedKey, KEY_USES_INTERVAL, KeyCheck, KeyUse};
pub use master_key::{MASTER_KEY_BYTES, MasterKey, MasterKeyError};
pub use metrics::{Metrics, PoolSize};
pub use migrate::{Copied, copy_database};
pub use outbox::{SINK_FORGOTTEN, SINK_HOLD, Unsent};
pub use password::Queue;
pub use rekey::replace_master_key;
pub use revision::{Changes, Lifetimes, POLL_FLOOR, POLL_INTERVAL, Revision};
pub use revocation::{
    GoodEpochs, MAX_REFUSED_OF_KEY, MAX_REFUSED_OF_USER, MAX_TOKEN_LIFETIME, Refused, RefusedWhat,
    RevokedToken, TokenMarks,
};
pub use session::{REUSE_GRACE, Rotation, SessionTokens, ShownRefreshToken};
pub use store::Store;
pub use user::{
    KubeCubeUser, KubeconfigMaker, Login, LoginHistory, LoginKind, MAX_GROUPS_BYTES,
    MAX_LOGIN_ADDRESSES, MAX_LOGINS, MIN_PASSWORD_BYTES, Md5Password, NewUser, ProfileChange,
    Written,
};
