//! Taking back: all tokens of a user or key, a session, a single token.

use time::OffsetDateTime;

use crate::metrics::Write;
use crate::revision::{self, Topic};
use crate::row::from_time;
use crate::{Revision, Store, StoreError};

/// So many tokens of one access key are refused one by one at a time. With one more all
/// tokens that were made from it so far are.
pub const MAX_REFUSED_OF_KEY: i64 = 256;

/// So many sessions and tokens of one user are refused one by one at a time. With one more
/// all that the user has are.
pub const MAX_REFUSED_OF_USER: i64 = 4_096;

/// So many deleted keys of one user are remembered at a time, as long as tokens that were
/// made from them could live. With one more all that the user has is refused in their place.
pub(crate) const MAX_DELETED_KEYS_OF_USER: i64 = 256;

/// A token that is to be refused.
#[derive(Debug, Clone, Copy)]
pub struct RevokedToken<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its user; empty for one without an epoch, which is a KubeCube's.
    pub user: &'a str,
    /// The access key that it was made from.
    pub access_key: Option<&'a str>,
    /// When nobody takes it any more by itself.
    pub until: OffsetDateTime,
}

/// An entry of the table for a session or a single token.
struct Entry<'a> {
    kind: &'static str,
    subject: &'a str,
    user: &'a str,
    access_key: Option<&'a str>,
    until: OffsetDateTime,
}

// === impl Store ===

impl Store {
    /// Refuses one token. Beyond [`MAX_REFUSED_OF_KEY`] or [`MAX_REFUSED_OF_USER`] all of
    /// its key or user are refused in the place of the single ones.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revoke_token(
        &self,
        token: RevokedToken<'_>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let RevokedToken {
            id,
            user,
            access_key,
            until,
        } = token;
        let mut tx = self.write().await?;
        let entry = Entry {
            kind: "token",
            subject: id,
            user,
            access_key,
            until,
        };
        let revision = refuse(&mut tx, &entry).await?;
        let bounded = bound(self, &mut tx, user, access_key, now).await?;
        self.commit_change(tx, "", Some(bounded.unwrap_or(revision)))
            .await
    }
}

/// Refuses all tokens of a session until they have expired.
pub(crate) async fn refuse_session(
    tx: &mut Write,
    session: &str,
    user: &str,
    until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    let entry = Entry {
        kind: "session",
        subject: session,
        user,
        access_key: None,
        until,
    };
    refuse(tx, &entry).await
}

async fn refuse(tx: &mut Write, entry: &Entry<'_>) -> Result<Revision, StoreError> {
    let revision = revision::bump(tx, Topic::Sessions).await?;
    sqlx::query(
        "INSERT INTO revocations (kind, subject, user_name, access_key, expires_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (kind, subject) DO UPDATE
         SET expires_at = excluded.expires_at, revision = excluded.revision
         WHERE revocations.expires_at < excluded.expires_at",
    )
    .bind(entry.kind)
    .bind(entry.subject)
    .bind(entry.user)
    .bind(entry.access_key.unwrap_or_default())
    .bind(from_time(entry.until))
    .bind(i64::try_from(revision.sessions()).unwrap_or(i64::MAX))
    .execute(&mut **tx)
    .await?;
    Ok(revision)
}

/// Keeps what is refused one by one within its bounds; the new revision when that took
/// something.
pub(crate) async fn bound(
    store: &Store,
    tx: &mut Write,
    user: &str,
    access_key: Option<&str>,
    now: OffsetDateTime,
) -> Result<Option<Revision>, StoreError> {
    // Of a token that carries no epoch no epoch can be moved.
    if user.is_empty() {
        return Ok(None);
    }
    let until = now + std::time::Duration::from_secs(store.lifetimes().any);
    if let Some(access_key) = access_key {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM revocations
             WHERE user_name = $1 AND access_key = $2 AND kind = 'token' AND expires_at > $3",
        )
        .bind(user)
        .bind(access_key)
        .bind(from_time(now))
        .fetch_one(&mut **tx)
        .await?;
        if count > MAX_REFUSED_OF_KEY {
            tracing::warn!(
                key.id = access_key,
                user.name = user,
                "more than {MAX_REFUSED_OF_KEY} tokens of an access key were taken back one by one; all that were made from it so far are refused now"
            );
            revoke_key(tx, access_key, until).await?;
            return Ok(Some(revision::bump_everything(tx).await?));
        }
    }
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM revocations
         WHERE user_name = $1 AND kind IN ('session', 'token') AND expires_at > $2",
    )
    .bind(user)
    .bind(from_time(now))
    .fetch_one(&mut **tx)
    .await?;
    if count > MAX_REFUSED_OF_USER {
        tracing::warn!(
            user.name = user,
            "more than {MAX_REFUSED_OF_USER} sessions and tokens of a user were taken back one by one; all that the user has are refused now"
        );
        revoke_user(tx, user, until).await?;
        return Ok(Some(revision::bump_everything(tx).await?));
    }
    Ok(None)
}

/// What has tokens of its own, and with them an epoch: the statements about it.
struct Holder {
    /// Begins a new epoch: $2, or the next one.
    begin: &'static str,
    /// Notes that epoch until $2, for the time after the holder itself is gone.
    note: &'static str,
    /// What is refused or kept of it one by one, which is of no use then.
    forget: &'static [&'static str],
}

const KEY: Holder = Holder {
    begin: "UPDATE access_keys SET token_epoch = CASE WHEN token_epoch < $2 THEN $2
         ELSE token_epoch + 1 END WHERE access_key = $1",
    note: "INSERT INTO revocations (kind, subject, epoch, expires_at)
         SELECT 'key', access_key, token_epoch, $2 FROM access_keys WHERE access_key = $1
         ON CONFLICT (kind, subject) DO UPDATE
         SET epoch = excluded.epoch, expires_at = excluded.expires_at",
    forget: &[
        "DELETE FROM revocations WHERE kind = 'token' AND access_key = $1
         AND user_name IN (SELECT user_name FROM access_keys WHERE access_key = $1)",
    ],
};

const USER: Holder = Holder {
    begin: "UPDATE users SET token_epoch = CASE WHEN token_epoch < $2 THEN $2
         ELSE token_epoch + 1 END WHERE name = $1",
    note: "INSERT INTO revocations (kind, subject, epoch, expires_at)
         SELECT 'user', name, token_epoch, $2 FROM users WHERE name = $1
         ON CONFLICT (kind, subject) DO UPDATE
         SET epoch = excluded.epoch, expires_at = excluded.expires_at",
    forget: &[
        "DELETE FROM refresh_tokens WHERE user_name = $1",
        "DELETE FROM sessions WHERE user_name = $1",
        "DELETE FROM logins WHERE user_name = $1",
        "DELETE FROM revocations WHERE user_name = $1 AND kind IN ('session', 'token')",
    ],
};

/// Refuses all tokens that were made from a key so far, and returns the new revision.
/// `until` is for the time after the key itself is gone.
pub(crate) async fn revoke_key(
    tx: &mut Write,
    access_key: &str,
    until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    revoke_all(tx, &KEY, access_key, until).await
}

/// Refuses all tokens that a user has now, refresh tokens too, and returns the new
/// revision. `until` is for the time after the user itself is gone.
pub(crate) async fn revoke_user(
    tx: &mut Write,
    user: &str,
    until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    revoke_all(tx, &USER, user, until).await
}

async fn revoke_all(
    tx: &mut Write,
    of: &Holder,
    name: &str,
    until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    // A database that was put back to an earlier state counts epochs from there again; the
    // time does not, so that no token of the lost ones is good in a later one.
    let now = OffsetDateTime::now_utc();
    for (statement, time) in [(of.begin, now), (of.note, until)] {
        sqlx::query(statement)
            .bind(name)
            .bind(from_time(time))
            .execute(&mut **tx)
            .await?;
    }
    for statement in of.forget {
        sqlx::query(*statement)
            .bind(name)
            .execute(&mut **tx)
            .await?;
    }
    revision::bump(tx, Topic::Epochs).await
}
