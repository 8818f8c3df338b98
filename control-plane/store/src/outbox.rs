//! Records that are still to be sent elsewhere.
//!
//! While a sink is held, every record leaves a row for it in the transaction that keeps
//! it, whichever process that is; so what is to be sent outlives everybody who sends.
//! The rows go with the records: there are never more of them.

use std::sync::LazyLock;

use time::{Duration, OffsetDateTime};

use crate::patience::Statements;
use crate::row::from_time;
use crate::{Store, StoreError};

/// A sink that no control plane has held for so long is given up, with what was to be
/// sent there.
pub const SINK_FORGOTTEN: Duration = Duration::days(7);

/// How long a sink is held. Whoever sends holds it again before that.
pub const SINK_HOLD: Duration = Duration::seconds(30);

/// A record that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Its id.
    pub id: String,
    /// The JSON object.
    pub record: String,
}

// === impl Store ===

impl Store {
    /// Takes a sink for this holder, unless another one has it. From now on records
    /// are noted for it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn hold_sink(
        &self,
        sink: &str,
        holder: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write_rows().await?;
        let held = sqlx::query(
            "INSERT INTO audit_sinks (name, holder, held_until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE
             SET holder = excluded.holder, held_until = excluded.held_until
             WHERE audit_sinks.holder = $2 OR audit_sinks.held_until <= $4",
        )
        .bind(sink)
        .bind(holder)
        .bind(from_time(now + SINK_HOLD))
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(held > 0)
    }

    /// Gives a sink back, for another control plane to take at once.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn release_sink(
        &self,
        sink: &str,
        holder: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        sqlx::query("UPDATE audit_sinks SET held_until = $3 WHERE name = $1 AND holder = $2")
            .bind(sink)
            .bind(holder)
            .bind(from_time(now))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The oldest records that are to be sent to a sink.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unsent(&self, sink: &str, limit: u32) -> Result<Vec<Unsent>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT o.id, r.record FROM audit_outbox o JOIN audit_records r ON r.id = o.id
             WHERE o.sink = $1 ORDER BY o.id LIMIT $2",
        )
        .bind(sink)
        .bind(i64::from(limit))
        .fetch_all(self.reader())
        .await?;
        let unsent = rows.into_iter();
        Ok(unsent.map(|(id, record)| Unsent { id, record }).collect())
    }

    /// Returns how many records wait for a sink.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_unsent(&self, sink: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit_outbox WHERE sink = $1")
            .bind(sink)
            .fetch_one(self.reader())
            .await?;
        crate::row::to_u64(count, "audit_outbox", "count", sink)
    }

    /// Notes that these have arrived.
    ///
    /// # Errors
    /// [`StoreError::Database`]; they are sent once more then.
    pub async fn mark_sent(&self, sink: &str, sent: &[Unsent]) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        for Unsent { id, record: _ } in sent {
            sqlx::query("DELETE FROM audit_outbox WHERE sink = $1 AND id = $2")
                .bind(sink)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Gives up the sinks that nobody has held for [`SINK_FORGOTTEN`], and says which
    /// ones and how many records each of them was not sent.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_sinks(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut tx = self.write().await?;
        let forgotten: Vec<String> =
            sqlx::query_scalar("SELECT name FROM audit_sinks WHERE held_until < $1")
                .bind(from_time(now - SINK_FORGOTTEN))
                .fetch_all(&mut *tx)
                .await?;
        let mut gone = Vec::new();
        for sink in forgotten {
            let unsent = sqlx::query("DELETE FROM audit_outbox WHERE sink = $1")
                .bind(&sink)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            sqlx::query("DELETE FROM audit_sinks WHERE name = $1")
                .bind(&sink)
                .execute(&mut *tx)
                .await?;
            gone.push((sink, unsent));
        }
        tx.commit().await?;
        Ok(gone)
    }
}

/// How many records are noted by one statement.
const NOTES: usize = 50;

/// The statement that notes [`NOTES`] kept records for every sink.
static NOTE: LazyLock<String> = LazyLock::new(|| {
    let ids: Vec<_> = (1..=NOTES).map(|number| format!("${number}")).collect();
    format!(
        "INSERT INTO audit_outbox (sink, id)
         SELECT s.name, r.id FROM audit_sinks s CROSS JOIN audit_records r WHERE r.id IN ({})
         ON CONFLICT (sink, id) DO NOTHING",
        ids.join(", ")
    )
});

/// Notes records that are kept for every sink that there is.
pub(crate) async fn note(
    tx: &mut Statements<'_>,
    ids: impl Iterator<Item = &str>,
) -> Result<(), StoreError> {
    let sinks: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit_sinks")
        .fetch_one(&mut *tx)
        .await?;
    if sinks == 0 {
        return Ok(());
    }
    let ids: Vec<_> = ids.collect();
    for ids in ids.chunks(NOTES) {
        let mut query = sqlx::query(NOTE.as_str());
        // What is missing to a full statement is the last one again.
        let rest = ids.last().into_iter().cycle();
        for id in ids.iter().chain(rest).take(NOTES) {
            query = query.bind(*id);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}
