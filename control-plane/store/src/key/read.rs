//! Listing keys.

use cubegate_domain::{AccessKey, KeyAttributes};
use cubegate_token::{KeyLimits, KeyScope};
use serde::de::DeserializeOwned;

use crate::row::{to_time, to_u64};
use crate::{Store, StoreError};

/// What a [`KeyRow`] is read from.
macro_rules! key_columns {
    () => {
        "access_key, user_name, name, description, expires_at, scope, limits, token_epoch, \
         old_secret_until, made_by, created_at, last_used_at, last_used_address, \
         last_used_cluster"
    };
}
pub(crate) use key_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct KeyRow {
    access_key: String,
    user_name: String,
    name: String,
    description: String,
    expires_at: Option<i64>,
    scope: String,
    limits: String,
    token_epoch: i64,
    old_secret_until: Option<i64>,
    made_by: Option<String>,
    created_at: i64,
    last_used_at: Option<i64>,
    last_used_address: Option<String>,
    last_used_cluster: Option<String>,
}

// === impl Store ===

impl Store {
    /// One key.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn get_key(&self, access_key: &str) -> Result<Option<AccessKey>, StoreError> {
        let row: Option<KeyRow> = sqlx::query_as(concat!(
            "SELECT ",
            key_columns!(),
            " FROM access_keys WHERE access_key = $1"
        ))
        .bind(access_key)
        .fetch_optional(self.reader())
        .await?;
        row.map(KeyRow::into_key).transpose()
    }

    /// Returns the keys of one user, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_keys(&self, user: &str) -> Result<Vec<AccessKey>, StoreError> {
        let rows: Vec<KeyRow> = sqlx::query_as(concat!(
            "SELECT ",
            key_columns!(),
            " FROM access_keys WHERE user_name = $1 ORDER BY created_at, access_key"
        ))
        .bind(user)
        .fetch_all(self.reader())
        .await?;
        self.to_keys(rows)
    }

    /// Returns the keys of all users, by owner and age, for the command line.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_all_keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        let rows: Vec<KeyRow> = sqlx::query_as(concat!(
            "SELECT ",
            key_columns!(),
            " FROM access_keys ORDER BY user_name, created_at, access_key"
        ))
        .fetch_all(self.reader())
        .await?;
        self.to_keys(rows)
    }

    fn to_keys(&self, rows: Vec<KeyRow>) -> Result<Vec<AccessKey>, StoreError> {
        let mut keys = rows
            .into_iter()
            .map(KeyRow::into_key)
            .collect::<Result<Vec<_>, _>>()?;
        for key in &mut keys {
            self.inner.uses.add_to(key);
        }
        Ok(keys)
    }
}

// === impl KeyRow ===

impl KeyRow {
    pub(crate) fn into_key(self) -> Result<AccessKey, StoreError> {
        let time = |seconds: Option<i64>, column| {
            seconds
                .map(|seconds| to_time(seconds, "access_keys", column, &self.access_key))
                .transpose()
        };
        Ok(AccessKey {
            attributes: KeyAttributes {
                expires_at: time(self.expires_at, "expires_at")?,
                scope: to_bounds(&self.scope, "scope", &self.access_key)?,
                limits: to_bounds(&self.limits, "limits", &self.access_key)?,
                name: self.name,
                description: self.description,
            },
            token_epoch: to_u64(
                self.token_epoch,
                "access_keys",
                "token_epoch",
                &self.access_key,
            )?,
            old_secret_until: time(self.old_secret_until, "old_secret_until")?,
            created_at: to_time(
                self.created_at,
                "access_keys",
                "created_at",
                &self.access_key,
            )?,
            last_used_at: time(self.last_used_at, "last_used_at")?,
            last_used_address: self.last_used_address,
            last_used_cluster: self.last_used_cluster,
            made_by: self.made_by,
            user: self.user_name,
            access_key: self.access_key,
        })
    }
}

/// A key whose bounds cannot be read must not become one without.
fn to_bounds<T: DeserializeOwned + Default>(
    json: &str,
    column: &'static str,
    access_key: &str,
) -> Result<T, StoreError> {
    if json.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(json).map_err(|_| StoreError::Inconsistent {
        table: "access_keys",
        column,
        row: access_key.to_owned(),
    })
}

/// A scope as its column holds it.
pub(crate) fn from_scope(scope: &KeyScope) -> String {
    if scope.is_unbounded() {
        return String::new();
    }
    // Lists of strings always serialize; what is no JSON is refused when it is read.
    serde_json::to_string(scope).unwrap_or_else(|_| "unreadable".to_owned())
}

/// Limits as their column holds them.
pub(crate) fn from_limits(limits: &KeyLimits) -> String {
    if limits.is_none() {
        return String::new();
    }
    // Numbers always serialize, too.
    serde_json::to_string(limits).unwrap_or_else(|_| "unreadable".to_owned())
}
