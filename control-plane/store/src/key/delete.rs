//! Deleting a key.

use time::OffsetDateTime;

use crate::change::Changed;
use crate::key::made;
use crate::metrics::Write;
use crate::revocation::{MAX_DELETED_KEYS_OF_USER, revoke_key, revoke_user};
use crate::{Revision, Store, StoreError, revision};

// === impl Store ===

impl Store {
    /// Deletes a key, of this owner when one is given (the command line gives
    /// none), and with it the keys that were made with its tokens. Tokens made from
    /// them are refused until `revoked_until`, when the last one has expired.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`] or [`StoreError::KeyNotOwned`].
    pub async fn delete_key(
        &self,
        access_key: &str,
        owner: Option<&str>,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let user: Option<String> =
            sqlx::query_scalar("SELECT user_name FROM access_keys WHERE access_key = $1")
                .bind(access_key)
                .fetch_optional(&mut *tx)
                .await?;
        let Some(user) = user else {
            return Err(StoreError::KeyNotFound(access_key.to_owned()));
        };
        if owner.is_some_and(|owner| owner != user) {
            return Err(StoreError::KeyNotOwned(access_key.to_owned()));
        }
        let made = made::made_by(&mut tx, access_key).await?;
        for made in &made {
            delete(&mut tx, made, revoked_until).await?;
        }
        let deleted = delete(&mut tx, access_key, revoked_until).await?;
        let bounded = bound_deleted(&mut tx, &user, revoked_until).await?;
        let revision = bounded.unwrap_or(deleted);
        self.commit_changes(
            tx,
            &Changed::with(access_key, "keys", &made),
            Some(revision),
        )
        .await
    }
}

/// Deletes one key and returns the new revision.
pub(crate) async fn delete(
    tx: &mut Write,
    access_key: &str,
    revoked_until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    let revision = revoke_key(tx, access_key, revoked_until).await?;
    // Whose it was is known no other way from now on.
    sqlx::query(
        "UPDATE revocations SET user_name =
         (SELECT user_name FROM access_keys WHERE access_key = $1)
         WHERE kind = 'key' AND subject = $1",
    )
    .bind(access_key)
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM access_keys WHERE access_key = $1")
        .bind(access_key)
        .execute(&mut **tx)
        .await?;
    Ok(revision)
}

/// Keeps what is remembered of a user's deleted keys within
/// [`MAX_DELETED_KEYS_OF_USER`], or somebody who makes and deletes keys for days would fill
/// what Envoys are told. A key's tokens carry their user's epoch, too, so that a new one of
/// those refuses them all; the new revision when that was done.
async fn bound_deleted(
    tx: &mut Write,
    user: &str,
    revoked_until: OffsetDateTime,
) -> Result<Option<Revision>, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM revocations WHERE kind = 'key' AND user_name = $1",
    )
    .bind(user)
    .fetch_one(&mut **tx)
    .await?;
    if count <= MAX_DELETED_KEYS_OF_USER {
        return Ok(None);
    }
    tracing::warn!(
        user.name = user,
        "a user has deleted more than {MAX_DELETED_KEYS_OF_USER} access keys whose tokens could be out; all tokens that the user has are refused now"
    );
    sqlx::query("DELETE FROM revocations WHERE kind = 'key' AND user_name = $1")
        .bind(user)
        .execute(&mut **tx)
        .await?;
    revoke_user(tx, user, revoked_until).await?;
    Ok(Some(revision::bump_everything(tx).await?))
}
