//! Taking over a key pair that programs use already.

use time::OffsetDateTime;

use crate::key::{ImportedKey, KeyCheck};
use crate::row::from_time;
use crate::user::Written;
use crate::{Store, StoreError};

const MAX_BYTES: usize = 253;

// === impl Store ===

impl Store {
    /// What [`Store::import_key`] would do, without doing it; the same secret and
    /// owner are [`Written::Unchanged`].
    ///
    /// # Errors
    /// [`StoreError::KeyFormat`].
    pub async fn compare_key(&self, key: &ImportedKey) -> Result<Written, StoreError> {
        check_all(key)?;
        Ok(
            match self.verify_key(&key.access_key, &key.secret_key).await? {
                KeyCheck::Unknown => Written::Created,
                KeyCheck::Valid(kept) if kept.user == key.user => Written::Unchanged,
                KeyCheck::Valid(_) | KeyCheck::WrongSecret => Written::Replaced,
            },
        )
    }

    /// Adds a key pair, or replaces secret and owner of the key of that name. The
    /// cap does not count here (who imports decides), and the owner need not
    /// exist: such a key gives no token until the owner does.
    ///
    /// # Errors
    /// [`StoreError::KeyFormat`].
    pub async fn import_key(
        &self,
        key: &ImportedKey,
        now: OffsetDateTime,
    ) -> Result<Written, StoreError> {
        check_all(key)?;
        let hash = self
            .inner
            .sealer
            .hash_secret(&key.access_key, &key.secret_key);
        let mut tx = self.write().await?;
        let replaced = sqlx::query(
            "UPDATE access_keys SET secret_hash = $2, user_name = $3 WHERE access_key = $1",
        )
        .bind(&key.access_key)
        .bind(&hash)
        .bind(&key.user)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if replaced == 0 {
            sqlx::query(
                "INSERT INTO access_keys (access_key, secret_hash, user_name, created_at)
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(&key.access_key)
            .bind(&hash)
            .bind(&key.user)
            .bind(from_time(now))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(if replaced == 0 {
            Written::Created
        } else {
            Written::Replaced
        })
    }
}

fn check_all(key: &ImportedKey) -> Result<(), StoreError> {
    check("accessKey", &key.access_key)?;
    check("secretKey", &key.secret_key)?;
    // Not `check_user_name`: a user of a name that cannot be impersonated
    // cannot exist here, so the key stays without effect.
    check("user", &key.user)
}

fn check(field: &'static str, value: &str) -> Result<(), StoreError> {
    let fits = (1..=MAX_BYTES).contains(&value.len());
    if fits && value.trim() == value && !value.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(StoreError::KeyFormat { field })
    }
}
