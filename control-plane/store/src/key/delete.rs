//! Deleting a key.

use time::OffsetDateTime;

use crate::key::DeleteOutcome;
use crate::revocation::revoke_key;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Deletes a key, of this owner when one is given (the command line gives
    /// none). Tokens made from it are refused until `revoked_until`, when the last
    /// one has expired.
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
        let revision = revoke_key(&mut tx, access_key, revoked_until).await?;
        sqlx::query("DELETE FROM access_keys WHERE access_key = $1")
            .bind(access_key)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.publish(revision);
        Ok(DeleteOutcome::Deleted)
    }
}
