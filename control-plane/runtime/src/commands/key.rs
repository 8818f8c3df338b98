//! `cubegate key create | list | delete`

use anyhow::bail;
use cubegate_store::DeleteOutcome;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{DataArgs, KeyCommand};
use crate::{commands, output};

pub(crate) async fn run(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { user, data } => {
            let store = commands::open(&data).await?;
            let key = store.create_key(&user, OffsetDateTime::now_utc()).await?;
            commands::audit::record(&store, "create", "keys", &key.access_key).await;
            // The shape of GET /key/create, so that a script reads both alike.
            let pair = serde_json::json!({
                "accessKey": key.access_key,
                "secretKey": key.secret_key,
            });
            output::line(&pair.to_string());
        }
        KeyCommand::List { user, data } => list(user.as_deref(), &data).await?,
        KeyCommand::Delete { access_key, data } => {
            let store = commands::open(&data).await?;
            let until = commands::revoked_until();
            match store.delete_key(&access_key, None, until).await? {
                DeleteOutcome::Deleted => {
                    commands::audit::record(&store, "delete", "keys", &access_key).await;
                    output::line(&format!("key {access_key} is deleted"));
                }
                DeleteOutcome::NotFound | DeleteOutcome::NotOwned => {
                    bail!("key {access_key} not found; `cubegate key list` shows those there are")
                }
            }
        }
    }
    Ok(())
}

async fn list(user: Option<&str>, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let keys = match user {
        Some(user) => store.list_keys(user).await?,
        None => store.list_all_keys().await?,
    };
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let last_used = key.last_used_at.and_then(|at| at.format(&Rfc3339).ok());
            vec![
                key.access_key.clone(),
                key.user.clone(),
                key.created_at.format(&Rfc3339).unwrap_or_default(),
                last_used.unwrap_or_else(|| "never".to_owned()),
            ]
        })
        .collect();
    output::table(&["ACCESS KEY", "USER", "CREATED", "LAST USED"], &rows);
    Ok(())
}
