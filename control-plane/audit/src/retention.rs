//! How long records are kept.

use std::time::Duration;

use cubegate_store::{AuditClass, Purged, Store, StoreError};
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

/// How long records are kept, and how many of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Older ones go.
    pub age: Duration,
    /// Of more changes than these the oldest go.
    pub changes: u64,
    /// The same of other requests of those who have proved who they are.
    pub traffic: u64,
    /// The same of requests without a credential.
    pub anonymous: u64,
}

// === impl Retention ===

impl Retention {
    /// Removes what is kept no longer, step by step, and says how many went.
    ///
    /// # Errors
    /// [`StoreError::Database`]; the steps before it stay done.
    pub async fn purge(&self, store: &Store, now: OffsetDateTime) -> Result<Purged, StoreError> {
        let mut gone = Purged::default();
        for class in AuditClass::ALL {
            self.purge_class(store, class, now, &mut gone).await?;
        }
        Ok(gone)
    }

    fn most(&self, class: AuditClass) -> u64 {
        match class {
            AuditClass::Change => self.changes,
            AuditClass::Traffic => self.traffic,
            AuditClass::Anonymous => self.anonymous,
        }
    }

    async fn purge_class(
        &self,
        store: &Store,
        class: AuditClass,
        now: OffsetDateTime,
        gone: &mut Purged,
    ) -> Result<(), StoreError> {
        let oldest = id_of(
            now.checked_sub(self.age.try_into().unwrap_or_default())
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        );
        while step(store, class, &oldest, STEP, gone).await? == u64::from(STEP) {
            timer::sleep(PAUSE).await;
        }
        let mut excess = store
            .count_audit_class(class)
            .await?
            .saturating_sub(self.most(class));
        while excess > 0 {
            let limit = u32::try_from(excess).unwrap_or(STEP).min(STEP);
            let step = step(store, class, "", limit, gone).await?;
            if step == 0 {
                break;
            }
            excess = excess.saturating_sub(step);
            timer::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Does so again and again, for ever.
    pub async fn keep(self, store: Store) {
        let mut ticks = timer::interval(PURGE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = OffsetDateTime::now_utc();
            match self.purge(&store, now).await {
                Ok(Purged { records: 0, .. }) => {}
                Ok(Purged { records, unsent }) => {
                    tracing::info!(records, "old audit records were removed");
                    if unsent > 0 {
                        tracing::error!(
                            audit.unsent = unsent,
                            "audit records were removed before they could be sent on"
                        );
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "old audit records cannot be removed");
                }
            }
            match store.forget_sinks(now).await {
                Ok(forgotten) => {
                    for (sink, unsent) in forgotten {
                        tracing::warn!(
                            sink,
                            audit.unsent = unsent,
                            "no control plane sends audit records there any more, and what waited is given up"
                        );
                    }
                }
                Err(error) => tracing::error!(%error, "sinks of audit records cannot be looked at"),
            }
        }
    }
}

/// Removes some, and says how many.
async fn step(
    store: &Store,
    class: AuditClass,
    before: &str,
    limit: u32,
    gone: &mut Purged,
) -> Result<u64, StoreError> {
    let Purged { records, unsent } = store.purge_audit(class, before, limit).await?;
    gone.records = gone.records.saturating_add(records);
    gone.unsent = gone.unsent.saturating_add(unsent);
    Ok(records)
}

#[cfg(test)]
mod tests {
    use cubegate_store::{AuditOrder, AuditRange};
    use cubegate_testing::store;

    use super::*;
    use crate::{Record, Source};

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
    }

    fn mk_retention(age: u64, most: u64) -> Retention {
        Retention {
            age: Duration::from_secs(age),
            changes: most,
            traffic: most,
            anonymous: most,
        }
    }

    async fn left(retention: Retention, records: i64) -> Vec<String> {
        let (store, _folder) = store().await;
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
        assert_eq!(gone.records + left.len() as u64, records.unsigned_abs());
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
        let retention = mk_retention(3, u64::MAX);
        assert_eq!(left(retention, 2_500).await, ["2497", "2498", "2499"]);
    }

    #[tokio::test]
    async fn of_too_many_the_oldest_go() {
        let retention = mk_retention(1_000_000, 2);
        assert_eq!(left(retention, 1_503).await, ["1501", "1502"]);
        assert_eq!(left(retention, 2).await, ["0", "1"]);
    }

    #[tokio::test]
    async fn a_flood_of_one_class_takes_nothing_of_the_others() {
        let (store, _folder) = store().await;
        let row = |second, class| {
            let mut record = Record::new(Source::Api, at(second), "get");
            record.class = class;
            record.into_row()
        };
        let mut rows = vec![row(0, AuditClass::Change), row(1, AuditClass::Traffic)];
        rows.extend((2..500).map(|second| row(second, AuditClass::Anonymous)));
        store.add_audit_rows(&rows).await.unwrap();
        let gone = mk_retention(1_000_000, 10)
            .purge(&store, at(1_000))
            .await
            .unwrap();
        assert_eq!(gone.records, 488);
        for (class, left) in AuditClass::ALL.into_iter().zip([1, 1, 10]) {
            assert_eq!(store.count_audit_class(class).await.unwrap(), left);
        }
    }
}
