//! When keys were last used: noted in memory, written from time to time.
//!
//! A write for every token would cost more than the token. What is noted and not yet
//! written is lost when the process is killed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use crate::row::from_time;
use crate::{Store, StoreError};

/// How often whoever runs a store should write what was noted.
pub const KEY_USES_INTERVAL: Duration = Duration::from_secs(60);

/// How many keys one transaction writes, so that nobody else waits long for it.
const BATCH: usize = 500;

/// The last use of each key that was used since the last time that it was written.
/// There are never more entries than keys. In their order, so that two control planes
/// that write at once lock the same rows in the same order.
#[derive(Default)]
pub(crate) struct KeyUses(Mutex<BTreeMap<String, OffsetDateTime>>);

// === impl KeyUses ===

impl KeyUses {
    pub(crate) fn of(&self, access_key: &str) -> Option<OffsetDateTime> {
        self.noted().get(access_key).copied()
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<String, OffsetDateTime>> {
        // Every change is of one entry, so nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what has been written, unless a newer use was noted meanwhile.
    fn written(&self, batch: &[(String, OffsetDateTime)]) {
        let mut noted = self.noted();
        for (access_key, at) in batch {
            if noted.get(access_key).is_some_and(|newest| newest <= at) {
                noted.remove(access_key);
            }
        }
    }
}

// === impl Store ===

impl Store {
    /// Notes that a key was used. It shows in [`Store::list_keys`] of this process at
    /// once, and in the database with the next [`Store::write_key_uses`].
    pub fn note_key_use(&self, access_key: &str, now: OffsetDateTime) {
        let mut noted = self.inner.uses.noted();
        match noted.get_mut(access_key) {
            Some(at) => *at = now.max(*at),
            None => {
                noted.insert(access_key.to_owned(), now);
            }
        }
    }

    /// Writes the uses that were noted since the last time.
    ///
    /// # Errors
    /// [`StoreError::Database`]; what is not written stays noted.
    pub async fn write_key_uses(&self) -> Result<(), StoreError> {
        let noted: Vec<_> = {
            let noted = self.inner.uses.noted();
            noted.iter().map(|(key, at)| (key.clone(), *at)).collect()
        };
        for batch in noted.chunks(BATCH) {
            let mut tx = self.write_rows().await?;
            for (access_key, at) in batch {
                sqlx::query(
                    "UPDATE access_keys SET last_used_at = $2
                     WHERE access_key = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
                )
                .bind(access_key)
                .bind(from_time(*at))
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            self.inner.uses.written(batch);
        }
        Ok(())
    }
}
