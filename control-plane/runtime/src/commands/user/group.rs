//! `cubegate user group add | remove | list`

use cubegate_api_types::cube::UserGroups;
use cubegate_store::StoreError;

use crate::args::{ListingArgs, UserGroupCommand};
use crate::commands::audit::changing;
use crate::{commands, output};

pub(crate) async fn run(command: UserGroupCommand) -> anyhow::Result<()> {
    match command {
        UserGroupCommand::Add { name, groups, data } => {
            let store = commands::open(&data).await?;
            let add = store.add_groups(&name, &groups);
            let new = changing("create", "groups", "", add).await?;
            output::line(&match new.as_slice() {
                [] => format!("user {name} is in there already"),
                new => format!(
                    "user {name} is in {}; tokens that are made from now on say so",
                    new.join(", ")
                ),
            });
        }
        UserGroupCommand::Remove { name, groups, data } => {
            let store = commands::open(&data).await?;
            let until = commands::revoked_until();
            let remove = store.remove_groups(&name, &groups, until);
            let gone = changing("delete", "groups", "", remove).await?;
            output::line(&match gone.as_slice() {
                [] => format!("user {name} is in none of them"),
                gone => format!(
                    "user {name} is not in {} any more; its tokens until now are refused",
                    gone.join(", ")
                ),
            });
        }
        UserGroupCommand::List {
            name,
            listing: ListingArgs { output, data },
        } => {
            let user = commands::open(&data).await?.get_user(&name).await?;
            let user = user.ok_or(StoreError::UserNotFound(name))?;
            let list = UserGroups {
                total: user.groups.len(),
                items: user.groups,
            };
            if output.format.print(&list)? {
                return Ok(());
            }
            for group in list.items {
                output::line(&group);
            }
        }
    }
    Ok(())
}
