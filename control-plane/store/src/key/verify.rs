//! Checking a key pair.

use time::OffsetDateTime;

use crate::key::KeyCheck;
use crate::key::read::{KeyRow, key_columns};
use crate::{Store, StoreError};

#[derive(sqlx::FromRow)]
struct SecretRow {
    #[sqlx(flatten)]
    key: KeyRow,
    secret_hash: String,
    old_secret_hash: Option<String>,
}

// === impl Store ===

impl Store {
    /// Returns what this pair stands for now. Between a rotation and the end of its overlap
    /// both secrets are the key's.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn verify_key(
        &self,
        access_key: &str,
        secret: &str,
        now: OffsetDateTime,
    ) -> Result<KeyCheck, StoreError> {
        let row: Option<SecretRow> = sqlx::query_as(concat!(
            "SELECT ",
            key_columns!(),
            ", secret_hash, old_secret_hash FROM access_keys WHERE access_key = $1"
        ))
        .bind(access_key)
        .fetch_optional(self.reader())
        .await?;
        let Some(SecretRow {
            key,
            secret_hash,
            old_secret_hash,
        }) = row
        else {
            return Ok(KeyCheck::Unknown);
        };
        let key = key.into_key()?;
        let is = |hash: &str| self.inner.sealer.secret_matches(access_key, secret, hash);
        let is_old = || {
            key.old_secret_until.is_some_and(|until| now < until)
                && old_secret_hash.as_deref().is_some_and(is)
        };
        if is(&secret_hash) || is_old() {
            Ok(KeyCheck::Valid(Box::new(key)))
        } else {
            Ok(KeyCheck::WrongSecret)
        }
    }
}
