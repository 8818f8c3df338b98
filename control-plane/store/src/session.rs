//! Logins that can be refreshed: refresh tokens, and the end of a session.

use sqlx::{Any, Transaction};
use time::{Duration, OffsetDateTime};

use crate::revocation::revoke;
use crate::row::from_time;
use crate::{Store, StoreError, revision};

/// Two uses of one refresh token within this time are a client's own race; a later
/// one is somebody else's.
pub const REUSE_GRACE: Duration = Duration::seconds(5);

/// A refresh token to keep; only a MAC of its text is kept.
#[derive(Clone, Copy)]
pub struct NewRefreshToken<'a> {
    /// The whole token.
    pub token: &'a str,
    /// The login that it goes back to.
    pub session: &'a str,
    /// Its user.
    pub user: &'a str,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it expires.
    pub expires_at: OffsetDateTime,
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Its successor is good now, and it is not any more.
    Rotated,
    /// There is no such token, or not any more, or another one was faster.
    Refused,
    /// It had been used before: somebody has a copy. Its session has ended.
    Reused,
}

/// A token as revocation looks at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenMarks<'a> {
    /// Its session.
    pub session: Option<&'a str>,
    /// Its own id.
    pub id: Option<&'a str>,
    /// The access key that it was made from.
    pub key: Option<&'a str>,
    /// Which generation of that key's tokens it is of.
    pub key_epoch: Option<u64>,
    /// Its user.
    pub user: &'a str,
    /// Its epoch. A token without one is a KubeCube's and no concern of an epoch.
    pub epoch: Option<u64>,
}

// === impl Store ===

impl Store {
    /// Keeps the first refresh token of a session. With `only`, all other sessions of
    /// its user end; their access tokens are refused until `revoked_until`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_refresh_token(
        &self,
        new: NewRefreshToken<'_>,
        only: bool,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        forget_expired(&mut tx, new.issued_at).await?;
        let mut revision = None;
        if only && end_other_sessions(&mut tx, &new, revoked_until).await? {
            revision = Some(revision::bump(&mut tx).await?);
        }
        self.insert_refresh_token(&mut tx, &new).await?;
        tx.commit().await?;
        if let Some(revision) = revision {
            self.publish(revision);
        }
        Ok(())
    }

    /// Puts `new` in the place of `old`, at most once, and refuses the access token
    /// that came with `old` until `revoked_until`. Both are of one session. A second
    /// use ends that session.
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing has changed then.
    pub async fn rotate_refresh_token(
        &self,
        old: &str,
        old_access_id: &str,
        new: NewRefreshToken<'_>,
        only: bool,
        revoked_until: OffsetDateTime,
    ) -> Result<Rotation, StoreError> {
        let now = new.issued_at;
        let hash = self.refresh_token_hash(old);
        let mut tx = self.write().await?;
        let used = sqlx::query(
            "UPDATE refresh_tokens SET used_at = $2
             WHERE token_hash = $1 AND session = $3 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(&hash)
        .bind(from_time(now))
        .bind(new.session)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if used > 0 {
            forget_expired(&mut tx, now).await?;
            self.insert_refresh_token(&mut tx, &new).await?;
            if only {
                end_other_sessions(&mut tx, &new, revoked_until).await?;
            }
            revoke(&mut tx, "token", old_access_id, revoked_until).await?;
            let revision = revision::bump(&mut tx).await?;
            tx.commit().await?;
            self.publish(revision);
            return Ok(Rotation::Rotated);
        }
        let first_used: Option<i64> = sqlx::query_scalar(
            "SELECT used_at FROM refresh_tokens WHERE token_hash = $1 AND used_at IS NOT NULL",
        )
        .bind(&hash)
        .fetch_optional(&mut *tx)
        .await?;
        let grace = from_time(now - REUSE_GRACE);
        if first_used.is_none_or(|used| used >= grace) {
            return Ok(Rotation::Refused);
        }
        end_session(&mut tx, new.session, revoked_until).await?;
        let revision = revision::bump(&mut tx).await?;
        tx.commit().await?;
        self.publish(revision);
        Ok(Rotation::Reused)
    }

    /// Ends a session: its refresh tokens are gone, its access tokens are refused
    /// until `revoked_until`, when the last one has expired.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_session(
        &self,
        session: &str,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        end_session(&mut tx, session, revoked_until).await?;
        let revision = revision::bump(&mut tx).await?;
        tx.commit().await?;
        self.publish(revision);
        Ok(())
    }

    /// Refuses one token by its id until `revoked_until`, when it has expired.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revoke_token(
        &self,
        id: &str,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        revoke(&mut tx, "token", id, revoked_until).await?;
        let revision = revision::bump(&mut tx).await?;
        tx.commit().await?;
        self.publish(revision);
        Ok(())
    }

    /// Whether a token was taken back.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_revoked(&self, marks: TokenMarks<'_>) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM revocations
             WHERE (kind = 'session' AND subject = $1) OR (kind = 'token' AND subject = $2)
             OR (kind = 'key' AND subject = $3 AND (epoch IS NULL OR epoch > $6))
             OR (kind = 'user' AND subject = $4 AND epoch > $5)",
        )
        .bind(marks.session)
        .bind(marks.id)
        .bind(marks.key)
        .bind(marks.user)
        .bind(
            marks
                .epoch
                .map_or(i64::MAX, |epoch| i64::try_from(epoch).unwrap_or(i64::MAX)),
        )
        // One without is older than all that carry one.
        .bind(i64::try_from(marks.key_epoch.unwrap_or(0)).unwrap_or(i64::MAX))
        .fetch_one(self.reader())
        .await?;
        Ok(count > 0)
    }

    fn refresh_token_hash(&self, token: &str) -> String {
        self.inner.sealer.hash_secret("refresh_token", token)
    }

    async fn insert_refresh_token(
        &self,
        tx: &mut Transaction<'static, Any>,
        new: &NewRefreshToken<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO refresh_tokens (token_hash, session, user_name, issued_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.refresh_token_hash(new.token))
        .bind(new.session)
        .bind(new.user)
        .bind(from_time(new.issued_at))
        .bind(from_time(new.expires_at))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

async fn forget_expired(
    tx: &mut Transaction<'static, Any>,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM refresh_tokens WHERE expires_at <= $1",
        "DELETE FROM revocations WHERE expires_at <= $1",
    ] {
        sqlx::query(statement)
            .bind(from_time(now))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Says whether there were any.
async fn end_other_sessions(
    tx: &mut Transaction<'static, Any>,
    kept: &NewRefreshToken<'_>,
    revoked_until: OffsetDateTime,
) -> Result<bool, StoreError> {
    let sessions: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT session FROM refresh_tokens WHERE user_name = $1 AND session <> $2",
    )
    .bind(kept.user)
    .bind(kept.session)
    .fetch_all(&mut **tx)
    .await?;
    for session in &sessions {
        end_session(tx, session, revoked_until).await?;
    }
    Ok(!sessions.is_empty())
}

async fn end_session(
    tx: &mut Transaction<'static, Any>,
    session: &str,
    revoked_until: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM refresh_tokens WHERE session = $1")
        .bind(session)
        .execute(&mut **tx)
        .await?;
    revoke(tx, "session", session, revoked_until).await
}
