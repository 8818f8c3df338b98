//! How long records are kept.

use std::time::Duration;

use cubegate_store::{AuditRange, Store, StoreError};
use time::OffsetDateTime;
use tokio::time::{self as timer, MissedTickBehavior};

use crate::record::id_of;

/// How often is looked for records that are kept no longer.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(300);

/// How many records go in one transaction. More would keep logins waiting that
/// write, too.
const STEP: u32 = 1_000;

/// How long others may write between two steps.
const PAUSE: Duration = Duration::from_millis(20);

/// How long records are kept, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Older ones go.
    pub age: Duration,
    /// Of more than these the oldest go.
    pub records: u64,
}

// === impl Retention ===

impl Retention {
    /// Removes what is kept no longer, step by step, and says how many went.
    ///
    /// # Errors
    /// [`StoreError::Database`]; the steps before it stay done.
    pub async fn purge(&self, store: &Store, now: OffsetDateTime) -> Result<u64, StoreError> {
        let mut gone = 0_u64;
        let oldest = id_of(
            now.checked_sub(self.age.try_into().unwrap_or_default())
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        );
        loop {
            let step = store.purge_audit(&oldest, STEP).await?;
            gone = gone.saturating_add(step);
            if step < u64::from(STEP) {
                break;
            }
            timer::sleep(PAUSE).await;
        }
        let mut excess = store
            .count_audit(&AuditRange::default())
            .await?
            .saturating_sub(self.records);
        while excess > 0 {
            let limit = u32::try_from(excess).unwrap_or(STEP).min(STEP);
            let step = store.purge_audit("", limit).await?;
            gone = gone.saturating_add(step);
            if step == 0 {
                break;
            }
            excess = excess.saturating_sub(step);
            timer::sleep(PAUSE).await;
        }
        Ok(gone)
    }

    /// Does so again and again, for ever.
    pub async fn keep(self, store: Store) {
        let mut ticks = timer::interval(PURGE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.purge(&store, OffsetDateTime::now_utc()).await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(records = gone, "old audit records were removed"),
                Err(error) => {
                    tracing::error!(%error, "old audit records cannot be removed");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cubegate_store::{AuditOrder, MasterKey};

    use super::*;
    use crate::{Record, Source};

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
    }

    async fn left(retention: Retention, records: i64) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes(&[1; 32]).unwrap();
        let store = Store::open(folder.path().join("cubegate.db"), &key)
            .await
            .unwrap();
        let rows: Vec<_> = (0..records)
            .map(|second| {
                let mut record = Record::new(Source::Api, at(second), "get");
                record.name = Some(second.to_string());
                record.into_row()
            })
            .collect();
        store.add_audit_rows(&rows).await.unwrap();
        let gone = retention.purge(&store, at(records)).await.unwrap();
        let left = store
            .read_audit(&AuditRange::default(), AuditOrder::OldestFirst, 0, 10_000)
            .await
            .unwrap();
        assert_eq!(gone + left.len() as u64, records.unsigned_abs());
        left.into_iter()
            .map(|(_, record)| {
                serde_json::from_str::<Record>(&record)
                    .unwrap()
                    .name
                    .unwrap()
            })
            .collect()
    }

    #[tokio::test]
    async fn what_is_too_old_goes_also_when_it_is_much() {
        let retention = Retention {
            age: Duration::from_secs(3),
            records: u64::MAX,
        };
        assert_eq!(left(retention, 2_500).await, ["2497", "2498", "2499"]);
    }

    #[tokio::test]
    async fn of_too_many_the_oldest_go() {
        let retention = Retention {
            age: Duration::from_secs(1_000_000),
            records: 2,
        };
        assert_eq!(left(retention, 1_503).await, ["1501", "1502"]);
        assert_eq!(left(retention, 2).await, ["0", "1"]);
    }
}
