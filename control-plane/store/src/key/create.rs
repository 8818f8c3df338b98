//! Making a key pair.

use cubegate_domain::{KeyAttributes, MAX_KEYS_PER_USER};
use time::OffsetDateTime;

use crate::key::read::{from_limits, from_scope};
use crate::key::{IdempotencyKey, IssuedKey, half, made, once};
use crate::row::from_time;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Makes a key pair for a user that exists, unless it owns
    /// [`MAX_KEYS_PER_USER`] already. The count and the insert are one write
    /// transaction, so parallel calls, also from several processes, keep to the cap.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`], [`StoreError::TooManyKeys`], or
    /// [`StoreError::KeyAttributes`] when a rule is broken.
    pub async fn create_key_with(
        &self,
        user: &str,
        attributes: KeyAttributes,
        now: OffsetDateTime,
    ) -> Result<IssuedKey, StoreError> {
        self.create_key_by(None, user, attributes, None, now).await
    }

    /// Makes one with a token of another key, which the new one does not outlive: it
    /// goes with it, and gets the end that the other one may get. A request that is told by
    /// `once` is done one time.
    ///
    /// # Errors
    /// As there, [`StoreError::Maker`] when the other key is gone or has got a bound, and
    /// [`StoreError::DoneAlready`].
    pub async fn create_key_by(
        &self,
        maker: Option<&str>,
        user: &str,
        attributes: KeyAttributes,
        once: Option<&IdempotencyKey>,
        now: OffsetDateTime,
    ) -> Result<IssuedKey, StoreError> {
        let KeyAttributes {
            name,
            description,
            expires_at,
            scope,
            limits,
        } = attributes.checked(now)?;
        let pair = IssuedKey {
            access_key: half(),
            secret_key: half(),
        };
        let mut tx = self.write().await?;
        if let Some(maker) = maker {
            made::check_maker(&mut tx, maker).await?;
        }
        let exists: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE name = $1")
            .bind(user)
            .fetch_one(&mut *tx)
            .await?;
        if exists == 0 {
            return Err(StoreError::UserNotFound(user.to_owned()));
        }
        if let Some(once) = once {
            // Before the keys are counted: the sixth may be the fifth, sent again.
            once::claim(&mut tx, user, once, now).await?;
        }
        let owned: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM access_keys WHERE user_name = $1")
                .bind(user)
                .fetch_one(&mut *tx)
                .await?;
        if usize::try_from(owned).map_or(true, |owned| owned >= MAX_KEYS_PER_USER) {
            return Err(StoreError::TooManyKeys {
                user: user.to_owned(),
            });
        }
        sqlx::query(
            "INSERT INTO access_keys
             (access_key, secret_hash, user_name, created_at, name, description, expires_at, scope,
              made_by, limits)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&pair.access_key)
        .bind(
            self.inner
                .sealer
                .hash_secret(&pair.access_key, &pair.secret_key),
        )
        .bind(user)
        .bind(from_time(now))
        .bind(name)
        .bind(description)
        .bind(expires_at.map(from_time))
        .bind(from_scope(&scope))
        .bind(maker)
        .bind(from_limits(&limits))
        .execute(&mut *tx)
        .await?;
        self.commit_change(tx, &pair.access_key, None).await?;
        Ok(pair)
    }
}
