//! Who is logged in: what is shown of sessions, and their end by an administrator.

use time::OffsetDateTime;

use crate::metrics::Write;
use crate::revocation::revoke_user;
use crate::row::{from_time, to_time};
use crate::user::write::found;
use crate::{Store, StoreError};

/// How many logins of one user are kept, and how many of its kubeconfigs beside them; of
/// those before them only the tokens are known.
pub const MAX_LOGINS: i64 = 100;

/// Longest text of a program's name that is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 256;

/// How somebody has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginKind {
    /// With KubeCube's cookie.
    Cookie,
    /// At `/oauth/token`.
    Oauth,
    /// Somebody who was logged in has got a kubeconfig.
    Kubeconfig,
}

/// The access key by whose token a kubeconfig was made: it ends with that generation of the
/// key's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KubeconfigMaker<'a> {
    /// The key.
    pub access_key: &'a str,
    /// [`token_epoch`](cubegate_domain::AccessKey::token_epoch) of it.
    pub key_epoch: u64,
}

/// A login that has begun a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The session (`sid` in its tokens).
    pub session: String,
    /// How.
    pub kind: LoginKind,
    /// When.
    pub began_at: OffsetDateTime,
    /// When the session ends by itself, unless it is refreshed.
    pub ends_at: OffsetDateTime,
    /// From where, as far as that is known.
    pub address: Option<String>,
    /// With which program, in its own words.
    pub user_agent: String,
}

/// What a [`LoginRow`] is read from.
macro_rules! login_select {
    () => {
        "SELECT session, kind, began_at, COALESCE(expires_at, ends_at) AS ends_at, address,
         user_agent FROM logins LEFT JOIN sessions ON id = session"
    };
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    session: String,
    kind: String,
    began_at: i64,
    ends_at: i64,
    address: Option<String>,
    user_agent: String,
}

// === impl LoginKind ===

impl LoginKind {
    /// Returns the word that stands in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Oauth => "oauth",
            Self::Kubeconfig => "kubeconfig",
        }
    }
}

// === impl Store ===

impl Store {
    /// Keeps a login, and forgets those that have ended, and of one user all but the
    /// newest.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_login(&self, user: &str, login: &Login) -> Result<(), StoreError> {
        self.note_session(user, login, None).await
    }

    /// Keeps a kubeconfig as [`Self::note_login`] keeps a login.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_kubeconfig(
        &self,
        user: &str,
        login: &Login,
        maker: Option<KubeconfigMaker<'_>>,
    ) -> Result<(), StoreError> {
        self.note_session(user, login, maker).await
    }

    async fn note_session(
        &self,
        user: &str,
        login: &Login,
        maker: Option<KubeconfigMaker<'_>>,
    ) -> Result<(), StoreError> {
        let agent = &login.user_agent;
        let end = agent.floor_char_boundary(MAX_USER_AGENT_BYTES);
        let agent: String = agent
            .get(..end)
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        let mut tx = self.write_rows().await?;
        sqlx::query(
            "DELETE FROM logins WHERE ends_at <= $1
             AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = session AND expires_at > $1)",
        )
        .bind(from_time(login.began_at))
        .execute(&mut *tx)
        .await?;
        // The user may have been deleted meanwhile.
        sqlx::query(
            "INSERT INTO logins (session, user_name, kind, began_at, ends_at, address, user_agent,
             access_key, key_epoch)
             SELECT $1, name, $3, $4, $5, $6, $7, $8, $9 FROM users WHERE name = $2
             ON CONFLICT (session) DO NOTHING",
        )
        .bind(&login.session)
        .bind(user)
        .bind(login.kind.as_str())
        .bind(from_time(login.began_at))
        .bind(from_time(login.ends_at))
        .bind(login.address.as_deref())
        .bind(agent)
        .bind(maker.map(|maker| maker.access_key))
        .bind(maker.map(|maker| i64::try_from(maker.key_epoch).unwrap_or(i64::MAX)))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM logins WHERE user_name = $1
             AND CASE kind WHEN 'kubeconfig' THEN 1 ELSE 0 END = $3 AND session NOT IN
             (SELECT session FROM logins WHERE user_name = $1
              AND CASE kind WHEN 'kubeconfig' THEN 1 ELSE 0 END = $3
              ORDER BY began_at DESC, session LIMIT $2)",
        )
        .bind(user)
        .bind(MAX_LOGINS)
        .bind(i64::from(login.kind == LoginKind::Kubeconfig))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that a kubeconfig is made again, and until when it lasts now; says whether it did.
    /// It does not when there is no such kubeconfig of this user any more, and by the token of
    /// a key only for one that was made by this key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn renew_kubeconfig(
        &self,
        user: &str,
        session: &str,
        maker: Option<KubeconfigMaker<'_>>,
        ends_at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write_rows().await?;
        let renewed = sqlx::query(
            "UPDATE logins SET ends_at = CASE WHEN ends_at > $3 THEN ends_at ELSE $3 END,
             access_key = $4, key_epoch = $5
             WHERE session = $1 AND user_name = $2 AND kind = 'kubeconfig'
             AND ($4 IS NULL OR access_key = $4)",
        )
        .bind(session)
        .bind(user)
        .bind(from_time(ends_at))
        .bind(maker.map(|maker| maker.access_key))
        .bind(maker.map(|maker| i64::try_from(maker.key_epoch).unwrap_or(i64::MAX)))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(renewed > 0)
    }

    /// The sessions of a user that have not ended, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_logins(
        &self,
        user: &str,
        now: OffsetDateTime,
    ) -> Result<Vec<Login>, StoreError> {
        let rows: Vec<LoginRow> = sqlx::query_as(concat!(
            login_select!(),
            " WHERE logins.user_name = $1 AND COALESCE(expires_at, ends_at) > $2
             AND (logins.access_key IS NULL OR EXISTS (SELECT 1 FROM access_keys
              WHERE access_keys.access_key = logins.access_key AND token_epoch <= key_epoch))
             ORDER BY began_at DESC, session"
        ))
        .bind(user)
        .bind(from_time(now))
        .fetch_all(self.reader())
        .await?;
        rows.into_iter().map(LoginRow::into_login).collect()
    }

    /// One session of a user, which may have ended; `None` when it is forgotten.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn get_login(&self, user: &str, session: &str) -> Result<Option<Login>, StoreError> {
        let row: Option<LoginRow> = sqlx::query_as(concat!(
            login_select!(),
            " WHERE logins.user_name = $1 AND session = $2"
        ))
        .bind(user)
        .bind(session)
        .fetch_optional(self.reader())
        .await?;
        row.map(LoginRow::into_login).transpose()
    }

    /// Returns whether a user has begun this session, and it is not forgotten.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn has_login(&self, user: &str, session: &str) -> Result<bool, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM logins WHERE user_name = $1 AND session = $2")
                .bind(user)
                .bind(session)
                .fetch_one(self.reader())
                .await?;
        Ok(count > 0)
    }

    /// Ends all sessions of a user, and refuses all tokens that it has, also those of
    /// kubeconfigs and keys, until `revoked_until`, when the last one has expired. Its
    /// keys stay and give others.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`].
    pub async fn end_all_sessions(
        &self,
        user: &str,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let there = sqlx::query("UPDATE users SET version = version + 1 WHERE name = $1")
            .bind(user)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        found(there, user)?;
        let revision = revoke_user(&mut tx, user, revoked_until).await?;
        self.commit_change(tx, user, Some(revision)).await
    }
}

/// Forgets the login of a session that has ended, and returns when it would have ended by itself
/// if it was a kubeconfig: its tokens may live longer than those of any login.
pub(crate) async fn forget_login(
    tx: &mut Write,
    session: &str,
) -> Result<Option<OffsetDateTime>, StoreError> {
    let forgotten: Option<(String, i64)> =
        sqlx::query_as("DELETE FROM logins WHERE session = $1 RETURNING kind, ends_at")
            .bind(session)
            .fetch_optional(&mut **tx)
            .await?;
    forgotten
        .filter(|(kind, _)| kind == LoginKind::Kubeconfig.as_str())
        .map(|(_, ends_at)| to_time(ends_at, "logins", "ends_at", session))
        .transpose()
}

// === impl LoginRow ===

impl LoginRow {
    fn into_login(self) -> Result<Login, StoreError> {
        let time = |seconds, column| to_time(seconds, "logins", column, &self.session);
        Ok(Login {
            kind: match self.kind.as_str() {
                "cookie" => LoginKind::Cookie,
                "kubeconfig" => LoginKind::Kubeconfig,
                // The table allows no other kind.
                _ => LoginKind::Oauth,
            },
            began_at: time(self.began_at, "began_at")?,
            ends_at: time(self.ends_at, "ends_at")?,
            address: self.address,
            user_agent: self.user_agent,
            session: self.session,
        })
    }
}
