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
//! as it ends in `commit_change`. What changes files is done within [`Store::record`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, iter};

use crate::audit::insert_rows;
use crate::metrics::Write;
use crate::patience::Statements;
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

/// A record that stands in a transaction, if there is one.
#[must_use = "it is kept when the transaction is committed"]
pub(crate) struct Noted(Option<Arc<Recording>>);

/// Notes what is changed in its transaction, which is to be committed next.
pub(crate) async fn note(
    tx: &mut Statements<'_>,
    changed: &[Changed<'_>],
) -> Result<Noted, StoreError> {
    let recording = RECORDING.try_with(Arc::clone).ok();
    let recording = recording.filter(|recording| !recording.is_kept());
    if let Some(recording) = &recording {
        let rows: Vec<AuditRow> = changed.iter().map(&recording.make).collect();
        insert_rows(tx, &rows).await?;
    }
    Ok(Noted(recording))
}

// === impl Changed ===

impl<'a> Changed<'a> {
    /// One thing that has this name, which is empty where it would say nothing.
    pub(crate) fn one(name: &'a str) -> Self {
        Self { name, along: None }
    }

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
        iter::once(Self::one(name)).chain(others).collect()
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

// === impl Noted ===

impl Noted {
    /// The transaction was committed, and the record with it.
    pub(crate) fn committed(self) {
        if let Some(recording) = self.0 {
            recording.kept.store(true, Ordering::Release);
        }
    }
}

// === impl Store ===

impl Store {
    /// Does what changes something outside of the database, files for one, and keeps its record:
    /// it is not begun before there is room for the record, which is undone if it fails.
    ///
    /// # Errors
    /// What `work` fails with, and [`StoreError::Database`], after which it may have been done.
    pub async fn record<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.write_rows().await?;
        let noted = note(&mut tx, &[Changed::one("")]).await?;
        let done = work()?;
        tx.commit().await.map_err(StoreError::from)?;
        noted.committed();
        Ok(done)
    }

    /// Commits a change of what has this name, which is empty where it would say
    /// nothing. A record that cannot be kept undoes it. Who follows the revision is told
    /// of the one that it has moved to, if it has moved it.
    pub(crate) async fn commit_change(
        &self,
        tx: Write,
        name: &str,
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        self.commit_changes(tx, &[Changed::one(name)], revision)
            .await
    }

    /// The same for several things that one change is of.
    pub(crate) async fn commit_changes(
        &self,
        tx: Write,
        changed: &[Changed<'_>],
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        self.commit_with(tx, changed, || {}).await?;
        if let Some(revision) = revision {
            self.publish(revision);
        }
        Ok(())
    }

    /// The same, of which nobody is told. `then` comes right after it.
    pub(crate) async fn commit_with(
        &self,
        mut tx: Write,
        changed: &[Changed<'_>],
        then: impl FnOnce(),
    ) -> Result<(), StoreError> {
        let noted = note(&mut tx, changed).await?;
        tx.commit().await?;
        noted.committed();
        then();
        Ok(())
    }
}
