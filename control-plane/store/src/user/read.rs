//! Reading users.

use std::collections::BTreeSet;

use cubegate_domain::{Profile, User, UserState, impersonated_groups};
use cubegate_token::check_group_name;

use crate::row::{to_time, to_u64};
use crate::{Store, StoreError};

#[derive(sqlx::FromRow)]
struct UserRow {
    name: String,
    display_name: String,
    state: String,
    version: i64,
    created_at: i64,
    last_login_at: Option<i64>,
    last_login_ip: Option<String>,
    email: String,
    phone: String,
    language: String,
    by_api: i64,
    token_epoch: i64,
    locked_until: Option<i64>,
    /// One group; a user of several has a row for each.
    group_name: Option<String>,
}

// === impl Store ===

impl Store {
    /// One user.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn get_user(&self, name: &str) -> Result<Option<User>, StoreError> {
        // One statement: the groups belong to the user.
        let rows: Vec<UserRow> = sqlx::query_as(
            "SELECT name, display_name, state, version, created_at, last_login_at, last_login_ip,
             email, phone, language, by_api, token_epoch, locked_until, group_name
             FROM users LEFT JOIN user_groups ON user_name = name
             WHERE name = $1 ORDER BY group_name",
        )
        .bind(name)
        .fetch_all(self.reader())
        .await?;
        Ok(into_users(rows)?.pop())
    }

    /// Returns the groups that the gateway acts as a member of for its users: those that users are
    /// in, `kubecube` and `system:authenticated`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn impersonated_groups(&self) -> Result<BTreeSet<String>, StoreError> {
        let groups: Vec<(String,)> = sqlx::query_as("SELECT DISTINCT group_name FROM user_groups")
            .fetch_all(self.reader())
            .await?;
        let groups = groups.into_iter().map(|(group,)| group);
        let groups = impersonated_groups(groups.filter(|group| is_given(group)));
        Ok(groups.into_iter().collect())
    }

    /// Returns all users by name.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_users(&self) -> Result<Vec<User>, StoreError> {
        let rows: Vec<UserRow> = sqlx::query_as(
            "SELECT name, display_name, state, version, created_at, last_login_at, last_login_ip,
             email, phone, language, by_api, token_epoch, locked_until, group_name
             FROM users LEFT JOIN user_groups ON user_name = name
             ORDER BY name, group_name",
        )
        .fetch_all(self.reader())
        .await?;
        into_users(rows)
    }
}

/// Whoever writes the database beside us gives nobody a group of Kubernetes' own.
fn is_given(group: &str) -> bool {
    check_group_name(group).is_ok()
}

/// Takes the rows of each user, which come one after the other, together.
fn into_users(rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
    let mut users: Vec<User> = Vec::new();
    for mut row in rows {
        let group = row.group_name.take().filter(|group| is_given(group));
        match users.last_mut() {
            Some(user) if user.name == row.name => user.groups.extend(group),
            _ => users.push(row.into_user(group.into_iter().collect())?),
        }
    }
    Ok(users)
}

// === impl UserRow ===

impl UserRow {
    fn into_user(self, groups: Vec<String>) -> Result<User, StoreError> {
        let time = |seconds, column| to_time(seconds, "users", column, &self.name);
        Ok(User {
            state: UserState::parse(&self.state).ok_or_else(|| StoreError::Inconsistent {
                table: "users",
                column: "state",
                row: self.name.clone(),
            })?,
            token_epoch: to_u64(self.token_epoch, "users", "token_epoch", &self.name)?,
            version: to_u64(self.version, "users", "version", &self.name)?,
            created_at: time(self.created_at, "created_at")?,
            last_login_at: self
                .last_login_at
                .map(|seconds| time(seconds, "last_login_at"))
                .transpose()?,
            locked_until: self
                .locked_until
                .map(|seconds| time(seconds, "locked_until"))
                .transpose()?,
            profile: Profile {
                email: self.email,
                phone: self.phone,
                language: self.language,
                by_api: self.by_api != 0,
            },
            display_name: self.display_name,
            last_login_ip: self.last_login_ip,
            groups,
            name: self.name,
        })
    }
}
