//! Taking over a key pair that programs use already.

use sqlx::AnyExecutor;
use time::OffsetDateTime;

use crate::key::ImportedKey;
use crate::revocation::{MAX_TOKEN_LIFETIME, revoke_key};
use crate::row::from_time;
use crate::user::Written;
use crate::{Store, StoreError};

const MAX_BYTES: usize = 253;

// === impl Store ===

impl Store {
    /// Returns what [`Store::import_key`] would do, without doing it.
    ///
    /// # Errors
    /// [`StoreError::KeyFormat`].
    pub async fn compare_key(&self, key: &ImportedKey) -> Result<Written, StoreError> {
        check_all(key)?;
        self.compare(self.reader(), key).await
    }

    /// Compares: the same secret and owner as now, or as were imported last, are
    /// [`Written::Unchanged`]: a secret that was rotated away here stays away.
    async fn compare(
        &self,
        executor: impl AnyExecutor<'_>,
        key: &ImportedKey,
    ) -> Result<Written, StoreError> {
        let kept: Option<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT user_name, secret_hash, imported_secret_hash
             FROM access_keys WHERE access_key = $1",
        )
        .bind(&key.access_key)
        .fetch_optional(executor)
        .await?;
        let Some((user, hash, imported)) = kept else {
            return Ok(Written::Created);
        };
        let is = |hash: &str| {
            self.inner
                .sealer
                .secret_matches(&key.access_key, &key.secret_key, hash)
        };
        let same = user == key.user && (is(&hash) || imported.as_deref().is_some_and(is));
        Ok(if same {
            Written::Unchanged
        } else {
            Written::Replaced
        })
    }

    /// Adds a key pair, or replaces secret and owner of the key of that name, unless
    /// they have not changed since the last import. What was made from it with another
    /// secret or for another owner is refused from then on, and another owner's bounds,
    /// name and description go with that owner. The cap does not count here (who
    /// imports decides), and the owner need not exist: such a key gives no token until
    /// the owner does.
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
        let written = self.compare(&mut *tx, key).await?;
        let statement = match written {
            Written::Unchanged => return Ok(written),
            // Tokens of a key of that name that was deleted stay refused.
            Written::Created => {
                "INSERT INTO access_keys
                 (access_key, secret_hash, imported_secret_hash, user_name, created_at, token_epoch)
                 VALUES ($1, $2, $2, $3, $4, COALESCE((SELECT epoch FROM revocations
                 WHERE kind = 'key' AND subject = $1), 1))"
            }
            Written::Replaced => {
                "UPDATE access_keys SET secret_hash = $2, imported_secret_hash = $2,
                 old_secret_hash = NULL, old_secret_until = NULL,
                 scope = CASE WHEN user_name = $3 THEN scope ELSE '' END,
                 expires_at = CASE WHEN user_name = $3 THEN expires_at END,
                 name = CASE WHEN user_name = $3 THEN name ELSE '' END,
                 description = CASE WHEN user_name = $3 THEN description ELSE '' END,
                 last_used_address = CASE WHEN user_name = $3 THEN last_used_address END,
                 last_used_cluster = CASE WHEN user_name = $3 THEN last_used_cluster END,
                 user_name = $3, made_by = NULL
                 WHERE access_key = $1"
            }
        };
        let query = sqlx::query(statement)
            .bind(&key.access_key)
            .bind(&hash)
            .bind(&key.user);
        let query = match written {
            Written::Created => query.bind(from_time(now)),
            Written::Replaced | Written::Unchanged => query,
        };
        query.execute(&mut *tx).await?;
        let revision = match written {
            Written::Replaced => {
                let until = now + MAX_TOKEN_LIFETIME;
                Some(revoke_key(&mut tx, &key.access_key, until).await?)
            }
            Written::Created | Written::Unchanged => None,
        };
        self.commit_change(tx, &key.access_key, revision).await?;
        Ok(written)
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
