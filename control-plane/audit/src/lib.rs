//! Audit records: who did what, with which key, on which cluster, and how it ended.
//!
//! ```text
//! Envoy's access log ─┐
//! the HTTP API ───────┼─Record─> Recorder ─(bounded)─> Queue ──batches──> store
//!                     │              └─ full: dropped, counted          ▲   │
//! the command line ───┴──────────────────────────────────────directly───┘   │
//!                                         page, Lines <── Search <──────────┘
//! ```
//!
//! A [`Recorder`] never waits: what does not fit in the queue is dropped and
//! counted, because a gateway that stops when its log is full can be stopped by
//! filling its log. Changes do not go through it: their records are kept in their own
//! transaction (`cubegate_store::recorded`). Requests without a credential are counted
//! by address and minute. A record holds no query (of a field selector the one name that
//! it requires), no body and no header but the client's name for itself, and texts in it
//! are cut to a length; see [`text`].
//!
//! What this crate deliberately does not do: it knows no HTTP API and no Envoy,
//! and decides neither what is recorded nor who may read it.

mod anonymous;
mod queue;
mod record;
mod retention;
mod search;
pub mod text;

pub use cubegate_store::AuditClass;
pub use queue::{CAPACITY, Queue, Recorder, channel};
pub use record::{Record, Source};
pub use retention::{PURGE_INTERVAL, Retention};
pub use search::{Lines, RecordPage, Search, SearchError, page};
