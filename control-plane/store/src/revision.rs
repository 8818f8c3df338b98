//! The revision: one number that moves when an Envoy must learn something.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::{AnyConnection, AnyExecutor};
use tokio::sync::watch;
use tokio::time::{self, MissedTickBehavior};

use crate::StoreError;
use crate::row::to_u64;
use crate::store::{Inner, Store};

/// How often the revision is read, so that a change by another process is heard.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);

// === impl Store ===

impl Store {
    /// The revision of the last committed change.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revision(&self) -> Result<u64, StoreError> {
        read(self.reader()).await
    }

    /// Follows the revision. A receiver sees the newest one and may miss those
    /// between; a change of this process shows at once, one of another process
    /// within [`POLL_INTERVAL`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.revision.subscribe()
    }

    /// Tells the subscribers of a revision that was just committed.
    pub(crate) fn publish(&self, revision: u64) {
        self.inner.publish(revision);
    }
}

// === impl Inner ===

impl Inner {
    fn publish(&self, revision: u64) {
        // Never backwards: a poll that was read before a commit may arrive after it.
        self.revision.send_if_modified(|current| {
            let newer = revision > *current;
            if newer {
                *current = revision;
            }
            newer
        });
    }
}

/// Moves the revision within a transaction and returns the new one.
pub(crate) async fn bump(connection: &mut AnyConnection) -> Result<u64, StoreError> {
    sqlx::query("UPDATE installation SET revision = revision + 1 WHERE id = 1")
        .execute(&mut *connection)
        .await?;
    read(connection).await
}

pub(crate) async fn read(executor: impl AnyExecutor<'_>) -> Result<u64, StoreError> {
    let revision: i64 = sqlx::query_scalar("SELECT revision FROM installation WHERE id = 1")
        .fetch_one(executor)
        .await?;
    to_u64(revision, "installation", "revision", "1")
}

/// Reads the revision again and again for as long as the store is in use.
pub(crate) async fn poll(inner: Weak<Inner>) {
    let mut ticks = time::interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.pools.reader.is_closed() {
            return;
        }
        match (Store {
            inner: Arc::clone(&inner),
        })
        .revision()
        .await
        {
            Ok(revision) => {
                inner.publish(revision);
                failing = false;
            }
            // Once, not five times a second.
            Err(error) if !failing => {
                tracing::error!(%error, "the revision cannot be read; changes by other processes are not seen");
                failing = true;
            }
            Err(_) => {}
        }
    }
}
