//! What is refused although it has not expired.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Any, Transaction};
use time::{Duration, OffsetDateTime};

use crate::row::{from_time, to_u64};
use crate::{Store, StoreError, revision};

/// All that is refused at a moment, for those who check tokens without the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    /// By user, the lowest epoch that is still good.
    pub users: BTreeMap<String, u64>,
    /// By access key, the lowest epoch that is still good.
    pub keys: BTreeMap<String, u64>,
    /// Sessions.
    pub sessions: BTreeSet<String>,
    /// Single tokens by their ids.
    pub tokens: BTreeSet<String>,
}

/// No token lives longer: a kubeconfig's may live a year, and clocks differ.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::days(366);

// === impl Store ===

impl Store {
    /// What is refused now. An entry leaves when the last token that it refuses has
    /// expired by itself.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_revocations(&self, now: OffsetDateTime) -> Result<Revocations, StoreError> {
        let rows: Vec<(String, String, Option<i64>)> =
            sqlx::query_as("SELECT kind, subject, epoch FROM revocations WHERE expires_at > $1")
                .bind(from_time(now))
                .fetch_all(self.reader())
                .await?;
        let mut listed = Revocations::default();
        for (kind, subject, epoch) in rows {
            match kind.as_str() {
                "user" => {
                    let epoch = to_u64(epoch.unwrap_or(-1), "revocations", "epoch", &subject)?;
                    listed.users.insert(subject, epoch);
                }
                "key" => {
                    let epoch = epoch.unwrap_or(i64::MAX);
                    let epoch = to_u64(epoch, "revocations", "epoch", &subject)?;
                    listed.keys.insert(subject, epoch);
                }
                "session" => {
                    listed.sessions.insert(subject);
                }
                // The table allows no other kind.
                _ => {
                    listed.tokens.insert(subject);
                }
            }
        }
        Ok(listed)
    }
}

/// Refuses all tokens of a session, or one token, until they have expired.
pub(crate) async fn revoke(
    tx: &mut Transaction<'static, Any>,
    kind: &str,
    subject: &str,
    until: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revocations (kind, subject, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (kind, subject) DO UPDATE SET expires_at = excluded.expires_at",
    )
    .bind(kind)
    .bind(subject)
    .bind(from_time(until))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Refuses all tokens that were made from a key so far, and returns the new revision.
pub(crate) async fn revoke_key(
    tx: &mut Transaction<'static, Any>,
    access_key: &str,
    until: OffsetDateTime,
) -> Result<u64, StoreError> {
    sqlx::query("UPDATE access_keys SET token_epoch = token_epoch + 1 WHERE access_key = $1")
        .bind(access_key)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO revocations (kind, subject, epoch, expires_at)
         SELECT 'key', access_key, token_epoch, $2 FROM access_keys WHERE access_key = $1
         ON CONFLICT (kind, subject) DO UPDATE
         SET epoch = excluded.epoch, expires_at = excluded.expires_at",
    )
    .bind(access_key)
    .bind(from_time(until))
    .execute(&mut **tx)
    .await?;
    revision::bump(tx).await
}

/// Refuses all tokens that a user has now, refresh tokens too, and returns the new
/// revision.
pub(crate) async fn revoke_user(
    tx: &mut Transaction<'static, Any>,
    user: &str,
    until: OffsetDateTime,
) -> Result<u64, StoreError> {
    sqlx::query("UPDATE users SET token_epoch = token_epoch + 1 WHERE name = $1")
        .bind(user)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM refresh_tokens WHERE user_name = $1")
        .bind(user)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO revocations (kind, subject, epoch, expires_at)
         SELECT 'user', name, token_epoch, $2 FROM users WHERE name = $1
         ON CONFLICT (kind, subject) DO UPDATE
         SET epoch = excluded.epoch, expires_at = excluded.expires_at",
    )
    .bind(user)
    .bind(from_time(until))
    .execute(&mut **tx)
    .await?;
    revision::bump(tx).await
}
