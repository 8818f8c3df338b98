//! What a login is judged by beside the password: where the user has logged in from
//! before, and whether its password is being guessed.

use time::{Duration, OffsetDateTime};

use crate::row::{from_time, to_time};
use crate::user::write::found;
use crate::{Store, StoreError};

/// How many addresses of one user are remembered; the one that was not used for longest
/// is forgotten first.
pub const MAX_LOGIN_ADDRESSES: i64 = 16;

/// A login from a known address is noted again only after this time: programs log in
/// every half minute.
const NOTE_AGAIN: Duration = Duration::HOUR;

/// What is known of a name before its password is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginHistory {
    /// Whether there is such a user.
    pub exists: bool,
    /// When the user last logged in from the address that was asked about; `None` when
    /// it never did, or that is forgotten.
    pub from_here: Option<OffsetDateTime>,
    /// Until when logins from other addresses than the known ones are refused.
    pub locked_until: Option<OffsetDateTime>,
    /// Wrong passwords until then do not count.
    pub unlocked_at: Option<OffsetDateTime>,
}

#[derive(sqlx::FromRow)]
struct HistoryRow {
    locked_until: Option<i64>,
    unlocked_at: Option<i64>,
    last_at: Option<i64>,
}

// === impl Store ===

impl Store {
    /// Returns what is known of a name, which may be nobody's, and of the network that somebody
    /// wants to log in from. It takes the same time for all names.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn login_history(
        &self,
        name: &str,
        network: Option<&str>,
    ) -> Result<LoginHistory, StoreError> {
        let row: Option<HistoryRow> = sqlx::query_as(
            "SELECT locked_until, unlocked_at, last_at
             FROM users LEFT JOIN login_addresses ON user_name = name AND network = $2
             WHERE name = $1",
        )
        .bind(name)
        .bind(network)
        .fetch_optional(self.reader())
        .await?;
        let Some(row) = row else {
            return Ok(LoginHistory::default());
        };
        let time = |seconds: Option<i64>, column| {
            seconds
                .map(|seconds| to_time(seconds, "users", column, name))
                .transpose()
        };
        Ok(LoginHistory {
            exists: true,
            from_here: time(row.last_at, "last_at")?,
            locked_until: time(row.locked_until, "locked_until")?,
            unlocked_at: time(row.unlocked_at, "unlocked_at")?,
        })
    }

    /// Remembers that a user has logged in from there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_login_address(
        &self,
        name: &str,
        network: &str,
        history: &LoginHistory,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if history.from_here.is_some_and(|at| now - at < NOTE_AGAIN) {
            return Ok(());
        }
        let mut tx = self.write_rows().await?;
        // The user may have been deleted meanwhile.
        sqlx::query(
            "INSERT INTO login_addresses (user_name, network, last_at)
             SELECT name, $2, $3 FROM users WHERE name = $1
             ON CONFLICT (user_name, network) DO UPDATE SET last_at = excluded.last_at",
        )
        .bind(name)
        .bind(network)
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM login_addresses WHERE user_name = $1 AND network NOT IN
             (SELECT network FROM login_addresses WHERE user_name = $1
              ORDER BY last_at DESC, network LIMIT $2)",
        )
        .bind(name)
        .bind(MAX_LOGIN_ADDRESSES)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Refuses logins of a user from new addresses until then. It is no concern of a
    /// name that is nobody's.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn lock_user(&self, name: &str, until: OffsetDateTime) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        sqlx::query(
            "UPDATE users SET locked_until = $2
             WHERE name = $1 AND (locked_until IS NULL OR locked_until < $2)",
        )
        .bind(name)
        .bind(from_time(until))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a lock away: wrong passwords until now do not count any more, in any
    /// control plane on this database.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`].
    pub async fn unlock_user(&self, name: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        let changed =
            sqlx::query("UPDATE users SET locked_until = NULL, unlocked_at = $2 WHERE name = $1")
                .bind(name)
                .bind(from_time(now))
                .execute(&mut *tx)
                .await?
                .rows_affected();
        found(changed, name)?;
        self.commit_change(tx, name, None).await
    }
}
