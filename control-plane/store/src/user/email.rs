//! E-mail addresses: each is one user's only, however it is written.

use sqlx::AnyExecutor;

use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Returns the name of the user with this e-mail address. A user of that name comes before.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn user_of_email(&self, email: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT name FROM users WHERE lower(email) = lower($1) AND email <> ''
             AND NOT EXISTS (SELECT 1 FROM users WHERE name = $1)",
        )
        .bind(email)
        .fetch_optional(self.reader())
        .await?)
    }
}

/// Returns whether another user than this one has the address.
pub(super) async fn is_taken(
    executor: impl AnyExecutor<'_>,
    email: &str,
    name: &str,
) -> Result<bool, StoreError> {
    let others: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM users
         WHERE lower(email) = lower($1) AND email <> '' AND name <> $2",
    )
    .bind(email)
    .bind(name)
    .fetch_one(executor)
    .await?;
    Ok(others > 0)
}

/// Returns what an error of a statement means that writes an address: the index of addresses is
/// the only one that such a statement can break.
pub(super) fn or_taken(error: sqlx::Error) -> StoreError {
    let broken = error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if broken {
        StoreError::EmailTaken
    } else {
        error.into()
    }
}
