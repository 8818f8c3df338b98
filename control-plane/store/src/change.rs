//! A change and its record are one transaction: neither is ever there without the other.
//!
//! ```text
//! recorded(recording, async { … store.delete_key(…) … })
//!                                     └─ commit_change ─> the change and recording's row
//! ```
//!
//! Whoever changes something on somebody's behalf does it inside of [`recorded`]; what
//! the store does by itself (noting uses, purging) it does outside. The calls that
//! change something need no parameter for that, and a new one cannot forget it as long
//! as it ends in `commit_change`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::insert_rows;
use crate::metrics::Write;
use crate::{AuditRow, Revision, Store, StoreError};

tokio::task_local! {
    static RECORDING: Arc<Recording>;
}

/// The record of what somebody changes now. It is kept once, with the first change.
pub struct Recording {
    make: Make,
    kept: AtomicBool,
}

type Make = Box<dyn Fn(&Changed<'_>) -> AuditRow + Send + Sync>;

/// What is changed. Each is a record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Its name; empty where it would say nothing.
    pub name: &'a str,
    /// What it is, if it is changed along with what was asked for: the `keys` of a user
    /// that is deleted.
    pub along: Option<&'static str>,
}

/// Runs what may change something, and keeps the record in the transaction of the
/// first change. Without a change nothing is kept. Tasks that `work` spawns are not
/// within it.
pub async fn recorded<T>(recording: Arc<Recording>, work: impl Future<Output = T>) -> T {
    RECORDING.scope(recording, work).await
}

// === impl Changed ===

impl<'a> Changed<'a> {
    /// Several things of which each was asked for.
    pub(crate) fn all(names: &'a [String], kind: &'static str) -> Vec<Self> {
        match names.split_first() {
            Some((first, others)) => Self::with(first, kind, others),
            None => Vec::new(),
        }
    }

    /// Returns what was asked for, and what is changed along with it.
    pub(crate) fn with(name: &'a str, along: &'static str, others: &'a [String]) -> Vec<Self> {
        let others = others.iter().map(|name| Self {
            name,
            along: Some(along),
        });
        [Self { name, along: None }]
            .into_iter()
            .chain(others)
            .collect()
    }
}

// === impl Recording ===

impl Recording {
    /// `make` is called when a change is about to be committed.
    pub fn new(make: impl Fn(&Changed<'_>) -> AuditRow + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            make: Box::new(make),
            kept: AtomicBool::new(false),
        })
    }

    /// Returns whether a change was committed, and the record with it.
    pub fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("kept", &self.is_kept())
            .finish_non_exhaustive()
    }
}

// === impl Store ===

impl Store {
    /// Commits a change of what has this name, which is empty where it would say
    /// nothing. A record that cannot be kept undoes it. Who follows the revision is told
    /// of the one that it has moved to, if it has moved it.
    pub(crate) async fn commit_change(
        &self,
        tx: Write,
        name: &str,
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        self.commit_changes(tx, &[Changed { name, along: None }], revision)
            .await
    }

    /// The same for several things that one change is of.
    pub(crate) async fn commit_changes(
        &self,
        mut tx: Write,
        changed: &[Changed<'_>],
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        let recording = RECORDING.try_with(Arc::clone).ok();
        let recording = recording.filter(|recording| !recording.is_kept());
        if let Some(recording) = &recording {
            let rows: Vec<AuditRow> = changed.iter().map(&recording.make).collect();
            insert_rows(&mut tx, &rows).await?;
        }
        tx.commit().await?;
        if let Some(recording) = recording {
            recording.kept.store(true, Ordering::Release);
        }
        if let Some(revision) = revision {
            self.publish(revision);
        }
        Ok(())
    }
}
