//! Changing what is said about a user.

use crate::user::email;
use crate::{Store, StoreError};

/// What is to change of what is said about a user; `None` leaves a thing as it is. Its contents have
/// passed the rules of `cubegate_domain`.
#[derive(Default)]
pub struct ProfileChange {
    /// What the console shows.
    pub display_name: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// The console's language.
    pub language: Option<String>,
}

// === impl Store ===

impl Store {
    /// Changes what is said about a user. Password and state have calls of their
    /// own, since tokens depend on them.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`] or [`StoreError::EmailTaken`]; nothing has changed
    /// then.
    pub async fn change_profile(
        &self,
        name: &str,
        change: &ProfileChange,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        let changed = sqlx::query(
            "UPDATE users SET display_name = COALESCE($2, display_name),
             email = COALESCE($3, email), phone = COALESCE($4, phone),
             language = COALESCE($5, language), version = version + 1 WHERE name = $1",
        )
        .bind(name)
        .bind(change.display_name.as_deref())
        .bind(change.email.as_deref())
        .bind(change.phone.as_deref())
        .bind(change.language.as_deref())
        .execute(&mut *tx)
        .await
        .map_err(email::or_taken)?
        .rows_affected();
        if changed == 0 {
            return Err(StoreError::UserNotFound(name.to_owned()));
        }
        self.commit_change(tx, name, None).await
    }
}
