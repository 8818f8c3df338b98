//! Adding, importing and changing users.

use cubegate_domain::{Profile, User, UserState};
use cubegate_token::{check_group_name, check_user_name};
use time::OffsetDateTime;

use crate::metrics::Write;
use crate::revocation::{MAX_TOKEN_LIFETIME, revoke_user};
use crate::row::from_time;
use crate::user::groups::check_an_admin_stays;
use crate::user::{MIN_PASSWORD_BYTES, NewUser, Written, email};
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Subject`], [`StoreError::PasswordTooShort`],
    /// [`StoreError::EmailTaken`] or [`StoreError::UserExists`]; nothing has changed then.
    pub async fn create_user(
        &self,
        user: NewUser,
        now: OffsetDateTime,
    ) -> Result<User, StoreError> {
        self.create_user_with_profile(user, &Profile::default(), now)
            .await
    }

    /// Adds a user with what is said about them. Tokens of a user of that name who was
    /// deleted stay refused.
    ///
    /// # Errors
    /// As [`Self::create_user`].
    pub async fn create_user_with_profile(
        &self,
        user: NewUser,
        profile: &Profile,
        now: OffsetDateTime,
    ) -> Result<User, StoreError> {
        check_names(&user)?;
        check_password(&user.password)?;
        let hash = self.inner.passwords.hash(&user.password).await?;
        let mut tx = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO users (name, display_name, password_hash, state, version, created_at,
             email, phone, language, by_api, token_epoch)
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9,
             COALESCE((SELECT epoch FROM revocations WHERE kind = 'user' AND subject = $1), 1))
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&user.name)
        .bind(user.display_name.as_deref().unwrap_or(&user.name))
        .bind(hash)
        .bind(user.state.as_str())
        .bind(from_time(now))
        .bind(&profile.email)
        .bind(&profile.phone)
        .bind(&profile.language)
        .bind(i64::from(profile.by_api))
        .execute(&mut *tx)
        .await
        .map_err(email::or_taken)?
        .rows_affected();
        if inserted == 0 {
            return Err(StoreError::UserExists(user.name));
        }
        replace_groups(&mut tx, &user.name, &user.groups).await?;
        self.commit_change(tx, &user.name, None).await?;
        self.get_user(&user.name)
            .await?
            .ok_or(StoreError::UserNotFound(user.name))
    }

    /// Takes a user from elsewhere, whatever its password: adds it, or replaces
    /// password, state and groups (and the display name, when one is given) of
    /// the user of that name.
    ///
    /// # Errors
    /// [`StoreError::Subject`].
    pub async fn import_user(
        &self,
        user: NewUser,
        now: OffsetDateTime,
    ) -> Result<Written, StoreError> {
        check_names(&user)?;
        let hash = self.inner.passwords.hash(&user.password).await?;
        let mut tx = self.write().await?;
        let replaced = sqlx::query(
            "UPDATE users SET display_name = COALESCE($2, display_name), password_hash = $3,
             state = $4, version = version + 1 WHERE name = $1",
        )
        .bind(&user.name)
        .bind(user.display_name.as_deref())
        .bind(&hash)
        .bind(user.state.as_str())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if replaced == 0 {
            sqlx::query(
                "INSERT INTO users (name, display_name, password_hash, state, version, created_at,
                 token_epoch) VALUES ($1, $2, $3, $4, 1, $5,
                 COALESCE((SELECT epoch FROM revocations WHERE kind = 'user' AND subject = $1), 1))",
            )
            .bind(&user.name)
            .bind(user.display_name.as_deref().unwrap_or(&user.name))
            .bind(&hash)
            .bind(user.state.as_str())
            .bind(from_time(now))
            .execute(&mut *tx)
            .await?;
        }
        replace_groups(&mut tx, &user.name, &user.groups).await?;
        if replaced == 0 {
            self.commit_change(tx, &user.name, None).await?;
            return Ok(Written::Created);
        }
        let revision = revoke_user(&mut tx, &user.name, now + MAX_TOKEN_LIFETIME).await?;
        self.commit_change(tx, &user.name, Some(revision)).await?;
        Ok(Written::Replaced)
    }

    /// Gives a user another password. The tokens that it has are refused until
    /// `revoked_until`, when the last one has expired.
    ///
    /// # Errors
    /// [`StoreError::PasswordTooShort`] or [`StoreError::UserNotFound`].
    pub async fn set_password(
        &self,
        name: &str,
        password: &str,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        check_password(password)?;
        let hash = self.inner.passwords.hash(password).await?;
        let mut tx = self.write().await?;
        let changed = sqlx::query(
            "UPDATE users SET password_hash = $2, version = version + 1 WHERE name = $1",
        )
        .bind(name)
        .bind(hash)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        found(changed, name)?;
        let revision = revoke_user(&mut tx, name, revoked_until).await?;
        self.commit_change(tx, name, Some(revision)).await
    }

    /// Lets a user in or keeps it out. The tokens that one has who is kept out are
    /// refused until `revoked_until`, when the last one has expired, also if the user
    /// is let in again before.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`], or [`StoreError::LastAdmin`] when nobody could
    /// administer the gateway any more.
    pub async fn set_user_state(
        &self,
        name: &str,
        state: UserState,
        revoked_until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        if state == UserState::Forbidden {
            check_an_admin_stays(&mut tx, name).await?;
        }
        let changed =
            sqlx::query("UPDATE users SET state = $2, version = version + 1 WHERE name = $1")
                .bind(name)
                .bind(state.as_str())
                .execute(&mut *tx)
                .await?
                .rows_affected();
        found(changed, name)?;
        let revision = match state {
            UserState::Forbidden => Some(revoke_user(&mut tx, name, revoked_until).await?),
            UserState::Normal => None,
        };
        self.commit_change(tx, name, revision).await
    }
}

fn check_names(user: &NewUser) -> Result<(), StoreError> {
    check_user_name(&user.name)?;
    for group in &user.groups {
        check_group_name(group)?;
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), StoreError> {
    if password.len() < MIN_PASSWORD_BYTES {
        return Err(StoreError::PasswordTooShort);
    }
    Ok(())
}

pub(super) fn found(rows: u64, name: &str) -> Result<(), StoreError> {
    if rows == 0 {
        return Err(StoreError::UserNotFound(name.to_owned()));
    }
    Ok(())
}

pub(super) async fn replace_groups(
    tx: &mut Write,
    name: &str,
    groups: &[String],
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM user_groups WHERE user_name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?;
    for group in groups {
        sqlx::query(
            "INSERT INTO user_groups (user_name, group_name) VALUES ($1, $2)
             ON CONFLICT (user_name, group_name) DO NOTHING",
        )
        .bind(name)
        .bind(group)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
