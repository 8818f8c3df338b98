//! Checking a key pair, and noting that it was used.

use cubegate_domain::AccessKey;
use time::{Duration, OffsetDateTime};

use crate::key::KeyCheck;
use crate::key::read::KeyRow;
use crate::row::from_time;
use crate::{Store, StoreError};

/// A use is noted at most this often per key: a write for every token would cost
/// more than the token.
const TOUCH_INTERVAL: Duration = Duration::MINUTE;

#[derive(sqlx::FromRow)]
struct SecretRow {
    #[sqlx(flatten)]
    key: KeyRow,
    secret_hash: String,
}

// === impl Store ===

impl Store {
    /// What this pair stands for.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn verify_key(&self, access_key: &str, secret: &str) -> Result<KeyCheck, StoreError> {
        let row: Option<SecretRow> = sqlx::query_as(
            "SELECT access_key, user_name, created_at, last_used_at, secret_hash
             FROM access_keys WHERE access_key = $1",
        )
        .bind(access_key)
        .fetch_optional(self.reader())
        .await?;
        let Some(SecretRow { key, secret_hash }) = row else {
            return Ok(KeyCheck::Unknown);
        };
        if !self
            .inner
            .sealer
            .secret_matches(access_key, secret, &secret_hash)
        {
            return Ok(KeyCheck::WrongSecret);
        }
        key.into_key().map(KeyCheck::Valid)
    }

    /// Notes that a key was used now, unless that was noted within the last minute.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn touch_key(&self, key: &AccessKey, now: OffsetDateTime) -> Result<(), StoreError> {
        if key
            .last_used_at
            .is_some_and(|last| now < last + TOUCH_INTERVAL)
        {
            return Ok(());
        }
        let mut tx = self.write_rows().await?;
        sqlx::query(
            "UPDATE access_keys SET last_used_at = $2
             WHERE access_key = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        )
        .bind(&key.access_key)
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
