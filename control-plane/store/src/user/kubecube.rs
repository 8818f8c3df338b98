//! Users of a KubeCube, whose passwords are known only as an MD5.
//!
//! KubeCube keeps `hex(md5(password + salt))` with one salt that its source
//! publishes. Here an argon2id of that hex text is kept, so that the database
//! gives no MD5 away, and the first login with the right password replaces it
//! by an argon2id of the password itself.

use std::fmt;

use cubegate_domain::{Profile, UserState};
use cubegate_token::check_user_name;
use md5::{Digest as _, Md5};
use time::OffsetDateTime;

use crate::metrics::Write;
use crate::password::Queue;
use crate::revocation::{MAX_TOKEN_LIFETIME, revoke_user};
use crate::row::from_time;
use crate::user::{Written, email};
use crate::{Store, StoreError};

/// A user to take over.
pub struct KubeCubeUser {
    /// The name; must pass `cubegate_token::check_user_name`.
    pub name: String,
    /// What the console shows.
    pub display_name: String,
    /// E-mail, phone and language; `by_api` does not count.
    pub profile: Profile,
    /// Whether the user may log in.
    pub state: UserState,
    /// Groups of a user that is new here; one that is here keeps its own, for
    /// KubeCube has no groups.
    pub groups: Vec<String>,
    /// Without one a new user cannot log in, and one that is here keeps its own.
    pub password: Option<Md5Password>,
}

/// A password as KubeCube keeps it. Its `Debug` form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Md5Password {
    hex: String,
    salt: String,
}

/// What the database says about a user that may be taken over again.
#[derive(sqlx::FromRow)]
struct Known {
    display_name: String,
    email: String,
    phone: String,
    language: String,
    state: String,
    imported_hash: Option<String>,
    imported_salt: Option<String>,
}

// === impl Store ===

impl Store {
    /// Returns what [`Store::import_kubecube_user`] would do, without doing it.
    ///
    /// # Errors
    /// [`StoreError::Subject`], [`StoreError::Hash`] or [`StoreError::Database`].
    pub async fn compare_kubecube_user(&self, user: &KubeCubeUser) -> Result<Written, StoreError> {
        check_user_name(&user.name)?;
        let Some(known) = self.known(&user.name).await? else {
            return Ok(Written::Created);
        };
        // One that another user has is not taken over, and so it is no difference.
        let left_out =
            known.email.is_empty() && self.is_email_taken(&user.profile.email, &user.name).await?;
        let same = known.display_name == user.display_name
            && (known.email == user.profile.email || left_out)
            && known.phone == user.profile.phone
            && known.language == user.profile.language
            && known.state == user.state.as_str()
            && self.has_password(&known, user.password.as_ref()).await?;
        Ok(if same {
            Written::Unchanged
        } else {
            Written::Replaced
        })
    }

    /// Takes a user over: adds it, or replaces display name and state, and the
    /// password when KubeCube has another one than at the last import. A password
    /// that was changed only here stays.
    ///
    /// # Errors
    /// [`StoreError::Subject`], [`StoreError::Hash`] or [`StoreError::Database`].
    pub async fn import_kubecube_user(
        &self,
        user: &KubeCubeUser,
        now: OffsetDateTime,
    ) -> Result<Written, StoreError> {
        match self.compare_kubecube_user(user).await? {
            Written::Unchanged => Ok(Written::Unchanged),
            Written::Created => self.add_kubecube_user(user, now).await,
            Written::Replaced => self.replace_kubecube_user(user, now).await,
        }
    }

    async fn known(&self, name: &str) -> Result<Option<Known>, StoreError> {
        let known = sqlx::query_as(
            "SELECT display_name, email, phone, language, state, imported_hash, imported_salt
             FROM users WHERE name = $1",
        );
        Ok(known.bind(name).fetch_optional(self.reader()).await?)
    }

    /// Returns whether this password was taken over before; having none to take over counts.
    async fn has_password(
        &self,
        known: &Known,
        password: Option<&Md5Password>,
    ) -> Result<bool, StoreError> {
        let Some(password) = password else {
            return Ok(true);
        };
        if known.imported_salt.as_deref() != Some(password.salt.as_str()) {
            return Ok(false);
        }
        match &known.imported_hash {
            Some(hash) => {
                let hash = Some(hash.clone());
                let passwords = &self.inner.passwords;
                passwords.verify(Queue::Known, &password.hex, hash).await
            }
            None => Ok(false),
        }
    }

    async fn add_kubecube_user(
        &self,
        user: &KubeCubeUser,
        now: OffsetDateTime,
    ) -> Result<Written, StoreError> {
        let imported = self.hash_md5(user.password.as_ref()).await?;
        let hash = match &imported {
            Some(hash) => hash.clone(),
            // Of a text that was never shown to anybody.
            None => self.inner.passwords.hash(&random_text()?).await?,
        };
        let mut tx = self.write().await?;
        let email = free_email(&mut tx, user).await?;
        let inserted = sqlx::query(
            "INSERT INTO users (name, display_name, password_hash, state, version, created_at,
             imported_hash, imported_salt, email, phone, language, token_epoch)
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10,
             COALESCE((SELECT epoch FROM revocations WHERE kind = 'user' AND subject = $1), 1))
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&user.name)
        .bind(&user.display_name)
        .bind(&hash)
        .bind(user.state.as_str())
        .bind(from_time(now))
        .bind(&imported)
        .bind(user.password.as_ref().map(|password| &password.salt))
        .bind(email)
        .bind(&user.profile.phone)
        .bind(&user.profile.language)
        .execute(&mut *tx)
        .await
        .map_err(email::or_taken)?
        .rows_affected();
        if inserted == 0 {
            return Err(StoreError::UserExists(user.name.clone()));
        }
        super::write::replace_groups(&mut tx, &user.name, &user.groups).await?;
        self.commit_change(tx, &user.name, None).await?;
        Ok(Written::Created)
    }

    async fn replace_kubecube_user(
        &self,
        user: &KubeCubeUser,
        now: OffsetDateTime,
    ) -> Result<Written, StoreError> {
        let known = self.known(&user.name).await?;
        let known = known.ok_or_else(|| StoreError::UserNotFound(user.name.clone()))?;
        let imported = if self.has_password(&known, user.password.as_ref()).await? {
            None
        } else {
            self.hash_md5(user.password.as_ref()).await?
        };
        let mut tx = self.write().await?;
        let email = free_email(&mut tx, user).await?;
        sqlx::query(
            "UPDATE users SET display_name = $2, state = $3, email = $6, phone = $7, language = $8,
             password_hash = COALESCE($4, password_hash),
             imported_hash = COALESCE($4, imported_hash),
             imported_salt = CASE WHEN $4 IS NULL THEN imported_salt ELSE $5 END,
             version = version + 1 WHERE name = $1",
        )
        .bind(&user.name)
        .bind(&user.display_name)
        .bind(user.state.as_str())
        .bind(&imported)
        .bind(user.password.as_ref().map(|password| &password.salt))
        .bind(email)
        .bind(&user.profile.phone)
        .bind(&user.profile.language)
        .execute(&mut *tx)
        .await
        .map_err(email::or_taken)?;
        let revision = if imported.is_some() || user.state == UserState::Forbidden {
            Some(revoke_user(&mut tx, &user.name, now + MAX_TOKEN_LIFETIME).await?)
        } else {
            None
        };
        self.commit_change(tx, &user.name, revision).await?;
        Ok(Written::Replaced)
    }

    async fn is_email_taken(&self, email: &str, name: &str) -> Result<bool, StoreError> {
        email::is_taken(self.reader(), email, name).await
    }

    async fn hash_md5(&self, password: Option<&Md5Password>) -> Result<Option<String>, StoreError> {
        match password {
            Some(password) => self.inner.passwords.hash(&password.hex).await.map(Some),
            None => Ok(None),
        }
    }

    /// Keeps a taken-over password, which has just proved right, as every other
    /// one is kept. One that was changed since it was read stays.
    pub(crate) async fn rehash(
        &self,
        name: &str,
        password: &str,
        imported: &str,
    ) -> Result<(), StoreError> {
        let hash = self.inner.passwords.hash(password).await?;
        let mut tx = self.write_rows().await?;
        sqlx::query("UPDATE users SET password_hash = $2 WHERE name = $1 AND password_hash = $3")
            .bind(name)
            .bind(hash)
            .bind(imported)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

// === impl Md5Password ===

impl Md5Password {
    /// Returns the hex MD5 as it stands in KubeCube, and what was appended to the password
    /// before. `None` when `hex` is no MD5.
    pub fn new(hex: &str, salt: &str) -> Option<Self> {
        let is_md5 = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_md5.then(|| Self {
            hex: hex.to_ascii_lowercase(),
            salt: salt.to_owned(),
        })
    }
}

impl fmt::Debug for Md5Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Md5Password(..)")
    }
}

/// Returns what KubeCube makes of a password.
pub(crate) fn hex_md5(password: &str, salt: &str) -> String {
    let mut digest = Md5::new();
    digest.update(password.as_bytes());
    digest.update(salt.as_bytes());
    hex::encode(digest.finalize())
}

/// Returns the address to keep: KubeCube lets several users have the same one, and here it is
/// the first one's.
async fn free_email(tx: &mut Write, user: &KubeCubeUser) -> Result<String, StoreError> {
    let email = &user.profile.email;
    if email::is_taken(&mut **tx, email, &user.name).await? {
        return Ok(String::new());
    }
    Ok(email.clone())
}

fn random_text() -> Result<String, StoreError> {
    let mut bytes = [0; 32];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut bytes)
        .map_err(|error| StoreError::Random(error.to_string()))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_md5_is_of_the_password_and_then_the_salt() {
        // printf '%s' 'Admin123456salt' | md5sum
        assert_eq!(
            hex_md5("Admin123456", "salt"),
            "1f9c7abc14efe2f7637ccacb57cdf308"
        );
    }

    #[test]
    fn only_an_md5_is_taken_and_none_is_shown() {
        assert!(Md5Password::new("", "s").is_none());
        assert!(Md5Password::new("Admin123456", "s").is_none());
        assert!(Md5Password::new(&"g".repeat(32), "s").is_none());
        let upper = Md5Password::new(&"AB".repeat(16), "s").unwrap();
        assert_eq!(upper, Md5Password::new(&"ab".repeat(16), "s").unwrap());
        assert_eq!(format!("{upper:?}"), "Md5Password(..)");
    }
}
