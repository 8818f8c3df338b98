//! SQLite's write-ahead log, brought into the file beside those who write.
//!
//! Left to itself SQLite does so within the commit that makes the log a thousand pages long, and everybody
//! else who writes waits for it: fifty to a hundred and fifty milliseconds, where a commit takes two.
//! See <https://www.sqlite.org/wal.html#checkpointing>.

use std::path::PathBuf;
use std::sync::Weak;
use std::time::{Duration, SystemTime};

use sqlx::AnyPool;

use crate::store::Inner;

/// From one to the next, if something was written.
const EVERY: Duration = Duration::from_secs(1);

/// Does it until the store is closed or gone. `log` is the file of the log.
pub(crate) async fn keep(inner: Weak<Inner>, log: PathBuf) {
    let mut done = None;
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        let pool = &inner.pools.reader;
        if pool.is_closed() {
            return;
        }
        let written = written(&log).await;
        if written == done {
            continue;
        }
        match checkpoint(pool).await {
            Ok(true) => done = written,
            // Somebody still reads what was there before.
            Ok(false) => {}
            // Whoever reads or writes says more of it.
            Err(error) => tracing::debug!(%error, "the write-ahead log stays as long as it is"),
        }
    }
}

async fn written(log: &PathBuf) -> Option<SystemTime> {
    tokio::fs::metadata(log).await.ok()?.modified().ok()
}

/// Returns whether all of the log is in the file now.
async fn checkpoint(pool: &AnyPool) -> Result<bool, sqlx::Error> {
    // It is no change of what is in the database: a connection that only reads may do it.
    let (_, pages, moved): (i32, i32, i32) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(pool)
        .await?;
    Ok(pages == moved)
}
