//! Changing what a key may do, and its secret.

use cubegate_domain::KeyChange;
use time::{Duration, OffsetDateTime};

use crate::key::read::{from_limits, from_scope};
use crate::key::{IdempotencyKey, IssuedKey, half, made, once};
use crate::metrics::Write;
use crate::revocation::revoke_key;
use crate::row::from_time;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Changes a key, of this owner when one is given. With another scope, expiry or
    /// limits the tokens made from it so far are refused until `revoked_until`, when the
    /// last one has expired; those made from now on are not. What the key has made gets
    /// its end, where theirs is later.
    ///
    /// # Errors
    /// [`StoreError::KeyAttributes`] when a rule is broken, [`StoreError::KeyNotFound`],
    /// [`StoreError::KeyNotOwned`] and [`StoreError::OutlivesMaker`].
    pub async fn update_key(
        &self,
        access_key: &str,
        owner: Option<&str>,
        change: KeyChange,
        now: OffsetDateTime,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let KeyChange {
            name,
            description,
            expires_at,
            scope,
            limits,
        } = change.checked(now)?;
        // All that goes back to the key may get another end, so others must wait.
        let mut tx = self.write().await?;
        let kept = lock(&mut tx, access_key, owner).await?;
        let expires_at = expires_at.map(|end| end.map(from_time));
        let scope = scope.as_ref().map(from_scope);
        let limits = limits.as_ref().map(from_limits);
        let revokes = expires_at.is_some_and(|end| end != kept.expires_at)
            || scope.as_ref().is_some_and(|scope| *scope != kept.scope)
            || limits.as_ref().is_some_and(|limits| *limits != kept.limits);
        for (statement, text) in [
            (
                "UPDATE access_keys SET name = $2 WHERE access_key = $1",
                name,
            ),
            (
                "UPDATE access_keys SET description = $2 WHERE access_key = $1",
                description,
            ),
            (
                "UPDATE access_keys SET scope = $2 WHERE access_key = $1",
                scope,
            ),
            (
                "UPDATE access_keys SET limits = $2 WHERE access_key = $1",
                limits,
            ),
        ] {
            let Some(text) = text else { continue };
            sqlx::query(statement)
                .bind(access_key)
                .bind(text)
                .execute(&mut *tx)
                .await?;
        }
        if let Some(end) = expires_at {
            made::check_end(&mut tx, access_key, end).await?;
            if let Some(end) = end {
                made::shorten(&mut tx, access_key, end, revoked_until).await?;
            }
            sqlx::query("UPDATE access_keys SET expires_at = $2 WHERE access_key = $1")
                .bind(access_key)
                .bind(end)
                .execute(&mut *tx)
                .await?;
        }
        self.finish(tx, access_key, revokes, revoked_until).await
    }

    /// Gives a key, of this owner when one is given, another secret. The present one
    /// is good for `overlap` yet, and one that was good from an earlier rotation is
    /// not any more. Without an overlap somebody else has the secret: the tokens made
    /// from the key so far are refused until `revoked_until`, too. A request that is told by
    /// `once` is done one time.
    ///
    /// # Errors
    /// [`StoreError::KeyNotFound`], [`StoreError::KeyNotOwned`] or [`StoreError::DoneAlready`].
    pub async fn rotate_key(
        &self,
        access_key: &str,
        owner: Option<&str>,
        overlap: Duration,
        once: Option<&IdempotencyKey>,
        now: OffsetDateTime,
        revoked_until: OffsetDateTime,
    ) -> Result<IssuedKey, StoreError> {
        let pair = IssuedKey {
            access_key: access_key.to_owned(),
            secret_key: half(),
        };
        let hash = self
            .inner
            .sealer
            .hash_secret(&pair.access_key, &pair.secret_key);
        let mut tx = self.write().await?;
        let kept = lock(&mut tx, access_key, owner).await?;
        if let Some(once) = once {
            once::claim(&mut tx, &kept.user_name, once, now).await?;
        }
        let overlaps = overlap.is_positive();
        let statement = if overlaps {
            "UPDATE access_keys SET old_secret_hash = secret_hash, old_secret_until = $3,
             secret_hash = $2 WHERE access_key = $1"
        } else {
            "UPDATE access_keys SET old_secret_hash = NULL, old_secret_until = $3,
             secret_hash = $2 WHERE access_key = $1"
        };
        sqlx::query(statement)
            .bind(access_key)
            .bind(hash)
            .bind(overlaps.then(|| from_time(now + overlap)))
            .execute(&mut *tx)
            .await?;
        self.finish(tx, access_key, !overlaps, revoked_until)
            .await?;
        Ok(pair)
    }

    /// Commits, and takes the key's tokens back when that is asked for.
    async fn finish(
        &self,
        mut tx: Write,
        access_key: &str,
        revokes: bool,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let revision = if revokes {
            Some(revoke_key(&mut tx, access_key, revoked_until).await?)
        } else {
            None
        };
        self.commit_change(tx, access_key, revision).await
    }
}

/// What decides whether a change takes tokens back.
#[derive(sqlx::FromRow)]
struct Kept {
    user_name: String,
    expires_at: Option<i64>,
    scope: String,
    limits: String,
}

/// Finds a key and, on PostgreSQL, keeps others from changing it meanwhile.
async fn lock(tx: &mut Write, access_key: &str, owner: Option<&str>) -> Result<Kept, StoreError> {
    let kept: Option<Kept> = sqlx::query_as(
        "UPDATE access_keys SET access_key = access_key WHERE access_key = $1
         RETURNING user_name, expires_at, scope, limits",
    )
    .bind(access_key)
    .fetch_optional(&mut **tx)
    .await?;
    let name = || access_key.to_owned();
    match kept {
        None => Err(StoreError::KeyNotFound(name())),
        Some(kept) if owner.is_some_and(|owner| owner != kept.user_name) => {
            Err(StoreError::KeyNotOwned(name()))
        }
        Some(kept) => Ok(kept),
    }
}
