//! Making a key pair.

use cubegate_domain::MAX_KEYS_PER_USER;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::key::IssuedKey;
use crate::row::from_time;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Makes a key pair for a user that exists, unless it owns
    /// [`MAX_KEYS_PER_USER`] already. The count and the insert are one write
    /// transaction, so parallel calls, also from several processes, keep to the cap.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`] or [`StoreError::TooManyKeys`].
    pub async fn create_key(
        &self,
        user: &str,
        now: OffsetDateTime,
    ) -> Result<IssuedKey, StoreError> {
        let pair = IssuedKey {
            access_key: half(),
            secret_key: half(),
        };
        let mut tx = self.write().await?;
        let exists: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE name = $1")
            .bind(user)
            .fetch_one(&mut *tx)
            .await?;
        if exists == 0 {
            return Err(StoreError::UserNotFound(user.to_owned()));
        }
        let owned: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM access_keys WHERE user_name = $1")
                .bind(user)
                .fetch_one(&mut *tx)
                .await?;
        if usize::try_from(owned).map_or(true, |owned| owned >= MAX_KEYS_PER_USER) {
            return Err(StoreError::TooManyKeys {
                user: user.to_owned(),
            });
        }
        sqlx::query(
            "INSERT INTO access_keys (access_key, secret_hash, user_name, created_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(&pair.access_key)
        .bind(
            self.inner
                .sealer
                .hash_secret(&pair.access_key, &pair.secret_key),
        )
        .bind(user)
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(pair)
    }
}

/// A UUIDv4 without dashes, as KubeCube's halves are.
fn half() -> String {
    Uuid::new_v4().simple().to_string()
}
