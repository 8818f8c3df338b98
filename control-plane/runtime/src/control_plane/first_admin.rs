//! Somebody has to manage a new gateway.

use cubegate_domain::{ADMIN_GROUP, UserState};
use cubegate_store::{NewUser, Store};
use time::OffsetDateTime;

use crate::commands::audit::changing;
use crate::{commands, output};

/// The user `admin`, when nobody manages the gateway yet. A generated password is
/// shown once.
pub(super) async fn make_first_admin(store: &Store, given: Option<String>) -> anyhow::Result<()> {
    let users = store.list_users().await?;
    if users
        .iter()
        .any(|user| user.name == "admin" || user.is_admin())
    {
        return Ok(());
    }
    let generated = given.is_none();
    let password = given.unwrap_or_else(commands::generate_password);
    let admin = NewUser {
        name: "admin".to_owned(),
        display_name: None,
        password: password.clone(),
        state: UserState::Normal,
        groups: vec![ADMIN_GROUP.to_owned()],
    };
    let create = store.create_user(admin, OffsetDateTime::now_utc());
    changing("create", "users", "admin", create).await?;
    if generated {
        output::line(&format!(
            "user admin is made; its password, shown only now: {password}"
        ));
    }
    Ok(())
}
