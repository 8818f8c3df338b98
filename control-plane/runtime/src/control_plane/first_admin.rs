//! Somebody has to manage a new gateway.

use cubegate_domain::{ADMIN_GROUP, UserState};
use cubegate_store::{MIN_PASSWORD_BYTES, NewUser, Store, StoreError};
use time::OffsetDateTime;

use crate::commands::audit::changing;
use crate::{commands, output};

/// The user `admin` of a gateway that nobody manages yet.
///
/// It is made last, when everything else has started: a password that was shown by a start
/// that failed would be good all the same, and nobody would look for it there.
pub(super) struct FirstAdmin {
    password: String,
    generated: bool,
}

// === impl FirstAdmin ===

impl FirstAdmin {
    /// Looks whether one is needed, and whether the given password will do.
    ///
    /// # Errors
    /// A password that is too short.
    pub(super) async fn if_needed(
        store: &Store,
        given: Option<String>,
    ) -> anyhow::Result<Option<Self>> {
        let users = store.list_users().await?;
        if users
            .iter()
            .any(|user| user.name == "admin" || user.is_admin())
        {
            return Ok(None);
        }
        if given
            .as_ref()
            .is_some_and(|given| given.len() < MIN_PASSWORD_BYTES)
        {
            return Err(StoreError::PasswordTooShort.into());
        }
        Ok(Some(Self {
            generated: given.is_none(),
            password: given.unwrap_or_else(commands::generate_password),
        }))
    }

    /// Makes it. A generated password is shown once.
    pub(super) async fn make(self, store: &Store) -> anyhow::Result<()> {
        let Self {
            password,
            generated,
        } = self;
        let admin = NewUser {
            name: "admin".to_owned(),
            display_name: None,
            password: password.clone(),
            state: UserState::Normal,
            groups: vec![ADMIN_GROUP.to_owned()],
        };
        let create = store.create_user(admin, OffsetDateTime::now_utc());
        match changing("create", "users", "admin", create).await {
            Ok(_) => {}
            // Another control plane on the database has begun at the same time, and shows it.
            Err(StoreError::UserExists(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if generated {
            output::line(&format!(
                "user admin is made; its password, shown only now: {password}"
            ));
        }
        Ok(())
    }
}
