//! Listing keys.

use cubegate_domain::AccessKey;

use crate::row::to_time;
use crate::{Store, StoreError};

#[derive(sqlx::FromRow)]
pub(crate) struct KeyRow {
    access_key: String,
    user_name: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

// === impl Store ===

impl Store {
    /// The keys of one user, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_keys(&self, user: &str) -> Result<Vec<AccessKey>, StoreError> {
        let rows: Vec<KeyRow> = sqlx::query_as(
            "SELECT access_key, user_name, created_at, last_used_at FROM access_keys
             WHERE user_name = $1 ORDER BY created_at, access_key",
        )
        .bind(user)
        .fetch_all(self.reader())
        .await?;
        rows.into_iter().map(KeyRow::into_key).collect()
    }

    /// The keys of all users, by owner and age, for the command line.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_all_keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        let rows: Vec<KeyRow> = sqlx::query_as(
            "SELECT access_key, user_name, created_at, last_used_at FROM access_keys
             ORDER BY user_name, created_at, access_key",
        )
        .fetch_all(self.reader())
        .await?;
        rows.into_iter().map(KeyRow::into_key).collect()
    }
}

// === impl KeyRow ===

impl KeyRow {
    pub(crate) fn into_key(self) -> Result<AccessKey, StoreError> {
        let time = |seconds, column| to_time(seconds, "access_keys", column, &self.access_key);
        Ok(AccessKey {
            created_at: time(self.created_at, "created_at")?,
            last_used_at: self
                .last_used_at
                .map(|seconds| time(seconds, "last_used_at"))
                .transpose()?,
            user: self.user_name,
            access_key: self.access_key,
        })
    }
}
