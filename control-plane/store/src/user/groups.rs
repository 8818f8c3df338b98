//! The groups of users.

use cubegate_domain::ADMIN_GROUP;
use cubegate_token::check_group_name;
use time::OffsetDateTime;

use crate::change::Changed;
use crate::metrics::Write;
use crate::revocation::revoke_user;
use crate::user::write::found;
use crate::{Store, StoreError};

/// Longest names of a user's groups together: they travel in every token, and a token in
/// every request, where HTTP servers bound the headers.
pub const MAX_GROUPS_BYTES: usize = 2_048;

// === impl Store ===

impl Store {
    /// Puts a user into groups, and says which of them are new. Tokens that are made from
    /// now on carry them.
    ///
    /// # Errors
    /// [`StoreError::Subject`], [`StoreError::UserNotFound`] or
    /// [`StoreError::TooManyGroups`]; nothing has changed then.
    pub async fn add_groups(
        &self,
        name: &str,
        groups: &[String],
    ) -> Result<Vec<String>, StoreError> {
        for group in groups {
            check_group_name(group)?;
        }
        let mut tx = self.write().await?;
        touch(&mut tx, name).await?;
        let mut new = Vec::new();
        for group in groups {
            let inserted = sqlx::query(
                "INSERT INTO user_groups (user_name, group_name) VALUES ($1, $2)
                 ON CONFLICT (user_name, group_name) DO NOTHING",
            )
            .bind(name)
            .bind(group)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if inserted > 0 {
                new.push(group.clone());
            }
        }
        check_length(&mut tx, name).await?;
        if !new.is_empty() {
            self.commit_changes(tx, &Changed::all(&memberships(name, &new), "groups"), None)
                .await?;
        }
        Ok(new)
    }

    /// Takes a user out of groups, and says out of which. Tokens that carry them are
    /// refused from then on, until `revoked_until`, when the last one has expired.
    ///
    /// # Errors
    /// [`StoreError::UserNotFound`] or [`StoreError::LastAdmin`]; nothing has changed
    /// then.
    pub async fn remove_groups(
        &self,
        name: &str,
        groups: &[String],
        revoked_until: OffsetDateTime,
    ) -> Result<Vec<String>, StoreError> {
        let mut tx = self.write().await?;
        touch(&mut tx, name).await?;
        if groups.iter().any(|group| group == ADMIN_GROUP) {
            check_an_admin_stays(&mut tx, name).await?;
        }
        let mut gone = Vec::new();
        for group in groups {
            let deleted =
                sqlx::query("DELETE FROM user_groups WHERE user_name = $1 AND group_name = $2")
                    .bind(name)
                    .bind(group)
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            if deleted > 0 {
                gone.push(group.clone());
            }
        }
        if gone.is_empty() {
            return Ok(gone);
        }
        let revision = revoke_user(&mut tx, name, revoked_until).await?;
        self.commit_changes(
            tx,
            &Changed::all(&memberships(name, &gone), "groups"),
            Some(revision),
        )
        .await?;
        Ok(gone)
    }
}

/// Returns what a record calls these: `USER/GROUP`.
fn memberships(name: &str, groups: &[String]) -> Vec<String> {
    groups
        .iter()
        .map(|group| format!("{name}/{group}"))
        .collect()
}

/// Refuses what would leave nobody who manages the gateway, if this one goes.
pub(super) async fn check_an_admin_stays(tx: &mut Write, name: &str) -> Result<(), StoreError> {
    let (this, others): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(CASE WHEN name = $1 THEN 1 END), COUNT(CASE WHEN name <> $1 THEN 1 END)
         FROM users JOIN user_groups ON user_name = name
         WHERE group_name = $2 AND state = 'normal'",
    )
    .bind(name)
    .bind(ADMIN_GROUP)
    .fetch_one(&mut **tx)
    .await?;
    if this > 0 && others == 0 {
        return Err(StoreError::LastAdmin(name.to_owned()));
    }
    Ok(())
}

async fn check_length(tx: &mut Write, name: &str) -> Result<(), StoreError> {
    let groups: Vec<String> =
        sqlx::query_scalar("SELECT group_name FROM user_groups WHERE user_name = $1")
            .bind(name)
            .fetch_all(&mut **tx)
            .await?;
    if groups.iter().map(String::len).sum::<usize>() > MAX_GROUPS_BYTES {
        return Err(StoreError::TooManyGroups);
    }
    Ok(())
}

/// Counts a write to the user, and holds it.
async fn touch(tx: &mut Write, name: &str) -> Result<(), StoreError> {
    let there = sqlx::query("UPDATE users SET version = version + 1 WHERE name = $1")
        .bind(name)
        .execute(&mut **tx)
        .await?
        .rows_affected();
    found(there, name)
}
