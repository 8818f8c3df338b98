//! What is refused although it has not expired.
//!
//! Users and keys say in their own rows from which epoch on their tokens are good, and a
//! session from which generation on. The table `revocations` has what has no such row: users
//! and keys that are gone, sessions that have ended, single tokens.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use crate::row::{from_time, to_u64};
use crate::{Revision, Store, StoreError};

mod revoke;

pub(crate) use revoke::{MAX_DELETED_KEYS_OF_USER, bound, refuse_session, revoke_key, revoke_user};
pub use revoke::{MAX_REFUSED_OF_KEY, MAX_REFUSED_OF_USER, RevokedToken};

/// Which epochs of tokens are good, for those who check tokens without the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoodEpochs {
    /// By user, the lowest epoch that is still good.
    pub users: BTreeMap<String, u64>,
    /// By access key, the lowest epoch that is still good.
    pub keys: BTreeMap<String, u64>,
}

/// A session or token that is refused until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What.
    pub what: RefusedWhat,
    /// When all that it refuses has expired, in Unix seconds.
    pub until: u64,
}

/// What is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusedWhat {
    /// All tokens of a session that has ended.
    Session(String),
    /// Those of a session's tokens that are of an earlier generation than this one.
    Before(String, u64),
    /// A token, by its id.
    Token(String),
}

/// A token as revocation looks at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenMarks<'a> {
    /// Its session.
    pub session: Option<&'a str>,
    /// Which generation of that session's tokens it is of.
    pub generation: Option<u64>,
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

/// No token lives longer: a kubeconfig's may live a year, and clocks differ.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::days(366);

// === impl Store ===

impl Store {
    /// Returns which epochs of users and keys are good now, where it is not the first one. Users
    /// and keys that there are never leave the list, those that are gone do when their
    /// last token has expired.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_epochs(&self, now: OffsetDateTime) -> Result<GoodEpochs, StoreError> {
        let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(
            "SELECT 'user', name, token_epoch FROM users WHERE token_epoch > 1
             UNION ALL
             SELECT 'key', access_key, token_epoch FROM access_keys WHERE token_epoch > 1
             UNION ALL
             SELECT kind, subject, epoch FROM revocations
             WHERE kind IN ('user', 'key') AND expires_at > $1",
        )
        .bind(from_time(now))
        .fetch_all(self.reader())
        .await?;
        let mut listed = GoodEpochs::default();
        for (kind, subject, epoch) in rows {
            // Without one, none is good any more.
            let epoch = to_u64(epoch.unwrap_or(i64::MAX), "revocations", "epoch", &subject)?;
            let table = match kind.as_str() {
                "user" => &mut listed.users,
                _ => &mut listed.keys,
            };
            let lowest = table.entry(subject).or_default();
            *lowest = epoch.max(*lowest);
        }
        Ok(listed)
    }

    /// Returns which sessions and tokens are refused now, or those of them that were taken back
    /// after a revision.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_revoked_sessions(
        &self,
        since: Option<Revision>,
        now: OffsetDateTime,
    ) -> Result<Vec<Refused>, StoreError> {
        // Rows that an earlier release has written are of revision 0.
        let since = since.map_or(-1, |since| {
            i64::try_from(since.sessions()).unwrap_or(i64::MAX)
        });
        let rows: Vec<(String, String, Option<i64>, i64)> = sqlx::query_as(
            "SELECT 'before', id, generation, replaced_until FROM sessions
             WHERE revision > $1 AND replaced_until > $2
             UNION ALL
             SELECT kind, subject, epoch, expires_at FROM revocations
             WHERE revision > $1 AND expires_at > $2 AND kind IN ('session', 'token')",
        )
        .bind(since)
        .bind(from_time(now))
        .fetch_all(self.reader())
        .await?;
        let mut refused = Vec::with_capacity(rows.len());
        for (kind, subject, generation, until) in rows {
            let until = to_u64(until, "revocations", "expires_at", &subject)?;
            let what = match kind.as_str() {
                "before" => {
                    let generation = generation.unwrap_or(0);
                    let generation = to_u64(generation, "sessions", "generation", &subject)?;
                    RefusedWhat::Before(subject, generation)
                }
                "session" => RefusedWhat::Session(subject),
                _ => RefusedWhat::Token(subject),
            };
            refused.push(Refused { what, until });
        }
        Ok(refused)
    }

    /// Returns whether a token was taken back.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_revoked(&self, marks: TokenMarks<'_>) -> Result<bool, StoreError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let count: i64 = sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM revocations
                WHERE (kind = 'session' AND subject = $1) OR (kind = 'token' AND subject = $2)
                OR (kind = 'key' AND subject = $3 AND (epoch IS NULL OR epoch > $6))
                OR (kind = 'user' AND subject = $4 AND epoch > $5))
             + (SELECT COUNT(*) FROM sessions WHERE id = $1 AND generation > $7)
             + (SELECT COUNT(*) FROM access_keys WHERE access_key = $3 AND token_epoch > $6)
             + (SELECT COUNT(*) FROM users WHERE name = $4 AND token_epoch > $5)",
        )
        .bind(marks.session)
        .bind(marks.id)
        .bind(marks.key)
        .bind(marks.user)
        .bind(marks.epoch.map_or(i64::MAX, number))
        // One without is older than all that carry one.
        .bind(number(marks.key_epoch.unwrap_or(0)))
        .bind(number(marks.generation.unwrap_or(0)))
        .fetch_one(self.reader())
        .await?;
        Ok(count > 0)
    }
}
