//! Deleting a user with all that it has.

use time::OffsetDateTime;

use crate::change::Changed;
use crate::key::delete_key_in;
use crate::metrics::Write;
use crate::revocation::revoke_user;
use crate::user::groups::check_an_admin_stays;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Deletes a user with its keys, sessions and groups, and says which keys. Their
    /// tokens and the user's own are refused from now on, until `revoked_until`, when the
    /// last one has expired: also those that a later user of that name would have.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`] or [`StoreError::LastAdmin`]; nothing has changed
    /// then.
    pub async fn delete_user(
        &self,
        name: &str,
        revoked_until: OffsetDateTime,
    ) -> Result<Vec<String>, StoreError> {
        let mut tx = self.write().await?;
        check_an_admin_stays(&mut tx, name).await?;
        let keys = keys_of(&mut tx, name).await?;
        for key in &keys {
            delete_key_in(&mut tx, key, revoked_until).await?;
        }
        let revision = revoke_user(&mut tx, name, revoked_until).await?;
        let deleted = sqlx::query("DELETE FROM users WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        super::write::found(deleted, name)?;
        self.commit_changes(tx, &Changed::with(name, "keys", &keys), Some(revision))
            .await?;
        Ok(keys)
    }
}

/// The keys of a user and all that was made with their tokens.
async fn keys_of(tx: &mut Write, name: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "WITH RECURSIVE made (access_key) AS (
         SELECT access_key FROM access_keys WHERE user_name = $1
         UNION SELECT k.access_key FROM access_keys k JOIN made m ON k.made_by = m.access_key)
         SELECT access_key FROM made ORDER BY access_key",
    )
    .bind(name)
    .fetch_all(&mut **tx)
    .await?)
}
