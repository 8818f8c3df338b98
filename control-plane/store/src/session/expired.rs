//! What has expired leaves by itself.

use time::OffsetDateTime;

use crate::row::from_time;
use crate::{Store, StoreError};

/// Rows of one table that one transaction takes; others wait for it.
const ROWS: i64 = 1_000;

impl Store {
    /// Takes out a bounded number of refresh tokens, sessions and revocations that are of
    /// no use any more; says whether there may be more. Envoys need not hear of it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_expired(&self, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut more = false;
        for statement in [
            "DELETE FROM refresh_tokens WHERE token_hash IN
             (SELECT token_hash FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)",
            "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE expires_at <= $1 AND replaced_until <= $1 LIMIT $2)",
            "DELETE FROM revocations WHERE (kind, subject) IN
             (SELECT kind, subject FROM revocations WHERE expires_at <= $1 LIMIT $2)",
        ] {
            let mut tx = self.write_rows().await?;
            let taken = sqlx::query(statement)
                .bind(from_time(now))
                .bind(ROWS)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            tx.commit().await?;
            more |= i64::try_from(taken).unwrap_or(i64::MAX) >= ROWS;
        }
        Ok(more)
    }
}
