//! Logging in with a password.

use cubegate_domain::User;
use time::OffsetDateTime;

use crate::password::Queue;
use crate::row::from_time;
use crate::user::kubecube::hex_md5;
use crate::{Store, StoreError};

#[derive(sqlx::FromRow)]
struct PasswordRow {
    password_hash: String,
    /// Of a password that came from a KubeCube and was not used here yet.
    salt: Option<String>,
    /// Of the tokens that the user had when this was read.
    token_epoch: i64,
}

// === impl Store ===

impl Store {
    /// Returns the user, when the password is the right one. Its state is not looked at:
    /// whoever does not know the password must not learn that a user is disabled.
    /// An unknown user takes as long as a wrong password. A password that was changed while
    /// it was being checked is a wrong one.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Hash`] or [`StoreError::Busy`].
    pub async fn verify_password(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<User>, StoreError> {
        self.verify_password_in(Queue::Known, name, password).await
    }

    /// Logs in likewise, in one of the two queues for what passwords cost.
    ///
    /// # Errors
    /// As there.
    pub async fn verify_password_in(
        &self,
        queue: Queue,
        name: &str,
        password: &str,
    ) -> Result<Option<User>, StoreError> {
        let row: Option<PasswordRow> = sqlx::query_as(
            "SELECT password_hash, token_epoch,
             CASE WHEN password_hash = imported_hash THEN imported_salt END AS salt
             FROM users WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(self.reader())
        .await?;
        let passwords = &self.inner.passwords;
        let right = match &row {
            None => passwords.verify(queue, password, None).await?,
            Some(PasswordRow {
                password_hash,
                salt: None,
                ..
            }) => {
                passwords
                    .verify(queue, password, Some(password_hash.clone()))
                    .await?
            }
            Some(PasswordRow {
                password_hash,
                salt: Some(salt),
                ..
            }) => {
                let md5 = hex_md5(password, salt);
                let right = passwords
                    .verify(queue, &md5, Some(password_hash.clone()))
                    .await?;
                if right {
                    self.rehash(name, password, password_hash).await?;
                }
                right
            }
        };
        let Some(row) = row.filter(|_| right) else {
            return Ok(None);
        };
        let user = self.get_user(name).await?;
        // Checking takes its time, and a queue before it. Whoever was disabled or got another
        // password meanwhile is of a new epoch, and must not begin it with the old password.
        Ok(user.filter(|user| i64::try_from(user.token_epoch) == Ok(row.token_epoch)))
    }

    /// Notes a login and returns the user as it is now.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`] when it went away meanwhile.
    pub async fn record_login(
        &self,
        name: &str,
        ip: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<User, StoreError> {
        let mut tx = self.write_rows().await?;
        let noted = sqlx::query(
            "UPDATE users SET last_login_at = $2, last_login_ip = $3, version = version + 1
             WHERE name = $1",
        )
        .bind(name)
        .bind(from_time(now))
        .bind(ip)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if noted == 0 {
            return Err(StoreError::UserNotFound(name.to_owned()));
        }
        self.commit_change(tx, "", None).await?;
        self.get_user(name)
            .await?
            .ok_or_else(|| StoreError::UserNotFound(name.to_owned()))
    }
}
