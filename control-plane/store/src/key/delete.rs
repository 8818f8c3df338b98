//! Deleting a key.

use sqlx::{Any, Transaction};
use time::OffsetDateTime;

use crate::change::Changed;
use crate::key::{DeleteOutcome, made};
use crate::revocation::revoke_key;
use crate::{Revision, Store, StoreError};

// === impl Store ===

impl Store {
    /// Deletes a key, of this owner when one is given (the command line gives
    /// none), and with it the keys that were made with its tokens. Tokens made from
    /// them are refused until `revoked_until`, when the last one has expired.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_key(
        &self,
        access_key: &str,
        owner: Option<&str>,
        revoked_until: OffsetDateTime,
    ) -> Result<DeleteOutcome, StoreError> {
        let mut tx = self.write().await?;
        let user: Option<String> =
            sqlx::query_scalar("SELECT user_name FROM access_keys WHERE access_key = $1")
                .bind(access_key)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(user) = user else {
            return Ok(DeleteOutcome::NotFound);
        };
        if owner.is_some_and(|owner| owner != user) {
            return Ok(DeleteOutcome::NotOwned);
        }
        let made = made::made_by(&mut tx, access_key).await?;
        for made in &made {
            delete(&mut tx, made, revoked_until).await?;
        }
        let revision = delete(&mut tx, access_key, revoked_until).await?;
        self.commit_changes(tx, &Changed::with(access_key, "keys", &made))
            .await?;
        self.publish(revision);
        Ok(DeleteOutcome::Deleted)
    }
}

/// Deletes one key and returns the new revision.
pub(crate) async fn delete(
    tx: &mut Transaction<'static, Any>,
    access_key: &str,
    revoked_until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    let revision = revoke_key(tx, access_key, revoked_until).await?;
    sqlx::query("DELETE FROM access_keys WHERE access_key = $1")
        .bind(access_key)
        .execute(&mut **tx)
        .await?;
    Ok(revision)
}
