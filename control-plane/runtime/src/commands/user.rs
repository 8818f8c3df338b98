//! `cubegate user add | passwd | disable | enable | unlock | delete | group | sessions |
//! list`

mod group;
mod sessions;

use cubegate_api::views;
use cubegate_api_types::cube::UserItem;
use cubegate_domain::{User, UserState};
use cubegate_store::{NewUser, StoreError};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{DataArgs, ListingArgs, PasswordArgs, UserCommand};
use crate::commands::audit::changing;
use crate::{commands, output};

/// As `GET /user`, and the groups.
#[derive(Serialize)]
struct List {
    total: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    shown: UserItem,
    groups: Vec<String>,
}

pub(crate) async fn run(command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add {
            name,
            password: PasswordArgs { password },
            groups,
            data,
        } => {
            let (password, shown) = given_or_generated(password);
            let user = NewUser {
                name: name.clone(),
                display_name: None,
                password,
                state: UserState::Normal,
                groups,
            };
            let store = commands::open(&data).await?;
            let add = store.create_user(user, OffsetDateTime::now_utc());
            changing("create", "users", &name, add).await?;
            output::line(&format!("user {name} is added{shown}"));
        }
        UserCommand::Passwd {
            name,
            password: PasswordArgs { password },
            data,
        } => {
            let (password, shown) = given_or_generated(password);
            let store = commands::open(&data).await?;
            let until = commands::revoked_until();
            let set = store.set_password(&name, &password, until);
            changing("password", "users", &name, set).await?;
            output::line(&format!("user {name} has a new password{shown}"));
        }
        UserCommand::Disable { name, data } => {
            set_state(&data, &name, UserState::Forbidden).await?;
            output::line(&format!("user {name} is disabled"));
        }
        UserCommand::Enable { name, data } => {
            set_state(&data, &name, UserState::Normal).await?;
            output::line(&format!("user {name} may log in again"));
            let user = commands::open(&data).await?.get_user(&name).await?;
            if let Some(until) = user.as_ref().and_then(locked_until) {
                output::line(&format!(
                    "but until {until} only from addresses that it has logged in from before: its password was being guessed; `cubegate user unlock {name}` ends that"
                ));
            }
        }
        UserCommand::Unlock { name, data } => unlock(&data, &name).await?,
        UserCommand::Delete { name, data } => delete(&data, &name).await?,
        UserCommand::Group(command) => group::run(command).await?,
        UserCommand::Sessions {
            name,
            end,
            end_all,
            listing,
        } => sessions::run(&listing, &name, &end, end_all).await?,
        UserCommand::List(args) => list(&args).await?,
    }
    Ok(())
}

async fn set_state(data: &DataArgs, name: &str, state: UserState) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let until = commands::revoked_until();
    let verb = match state {
        UserState::Normal => "enable",
        UserState::Forbidden => "disable",
    };
    let set = store.set_user_state(name, state, until);
    changing(verb, "users", name, set).await?;
    Ok(())
}

async fn delete(data: &DataArgs, name: &str) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let delete = store.delete_user(name, commands::revoked_until());
    let keys = changing("delete", "users", name, delete).await?;
    let keys = match keys.len() {
        0 => String::new(),
        1 => " with its key".to_owned(),
        number => format!(" with its {number} keys"),
    };
    output::line(&format!(
        "user {name} is deleted{keys}; what it has in clusters, RoleBindings above all, stays there"
    ));
    Ok(())
}

async fn unlock(data: &DataArgs, name: &str) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let user = store.get_user(name).await?;
    let user = user.ok_or_else(|| StoreError::UserNotFound(name.to_owned()))?;
    let unlock = store.unlock_user(name, OffsetDateTime::now_utc());
    changing("unlock", "users", name, unlock).await?;
    let said = match locked_until(&user) {
        Some(_) => format!("user {name} may log in from everywhere again"),
        None => format!("user {name} was not locked; wrong passwords until now do not count"),
    };
    output::line(&said);
    if user.state == UserState::Forbidden {
        output::line(&format!(
            "but it is disabled; `cubegate user enable {name}` lets it in"
        ));
    }
    Ok(())
}

/// Until when a user may log in from known addresses only, if that is so now.
fn locked_until(user: &User) -> Option<String> {
    let until = user.locked_until?;
    (OffsetDateTime::now_utc() < until).then(|| until.format(&Rfc3339).unwrap_or_default())
}

async fn list(args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let users = commands::open(data).await?.list_users().await?;
    let now = OffsetDateTime::now_utc();
    let items: Vec<_> = users
        .iter()
        .map(|user| Item {
            shown: views::user(user.clone(), now),
            groups: user.groups.clone(),
        })
        .collect();
    let list = List {
        total: items.len(),
        items,
    };
    if output.format.print(&list)? {
        return Ok(());
    }
    let rows: Vec<_> = users
        .iter()
        .map(|user| {
            let last_login = user.last_login_at.and_then(|at| at.format(&Rfc3339).ok());
            vec![
                user.name.clone(),
                user.state.as_str().to_owned(),
                user.groups.join(","),
                last_login.unwrap_or_else(|| "never".to_owned()),
                locked_until(user).unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    output::table(
        &["NAME", "STATE", "GROUPS", "LAST LOGIN", "LOCKED UNTIL"],
        &rows,
    );
    Ok(())
}

/// Returns the password to set, and what to say about it: a generated one is shown once.
fn given_or_generated(password: Option<String>) -> (String, String) {
    match password {
        Some(password) => (password, String::new()),
        None => {
            let password = commands::generate_password();
            let shown = format!("; its password, shown only now: {password}");
            (password, shown)
        }
    }
}
