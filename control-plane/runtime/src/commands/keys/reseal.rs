//! `cubegate keys reseal`
//!
//! The new key is written beside the old one before the database is sealed under it, and takes
//! its place afterwards: whenever it is cut off, one of the two is that of the database, and the
//! next call goes on.

use std::fs;

use anyhow::{Context as _, bail};
use cubegate_store::{MasterKey, Store, StoreError, replace_master_key};

use crate::args::DataArgs;
use crate::commands::audit::changing;
use crate::data_dir::{DataDir, write_secret};
use crate::output;

pub(super) async fn run(data: &DataArgs) -> anyhow::Result<()> {
    let given = data.database()?;
    let folder = match &given {
        Some(_) => DataDir::at(&data.dir),
        None => DataDir::of_gateway(&data.dir)?,
    };
    let database = given.unwrap_or_else(|| folder.join("cubegate.db").into());
    if database.is_new().await? {
        bail!(
            "there is no gateway in the database {database}; give another --database-url or --data-dir"
        );
    }
    let _lock = match database.file() {
        Some(_) => Some(folder.lock()?),
        None => None,
    };
    let path = folder.keys().master_key_path();
    let next_path = path.with_extension("key.next");
    let move_in = || {
        fs::rename(&next_path, &path)
            .with_context(|| format!("{} cannot be replaced", path.display()))
    };
    let read = |path: &std::path::Path| -> anyhow::Result<MasterKey> {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        MasterKey::from_bytes(&bytes).with_context(|| format!("{} cannot be used", path.display()))
    };
    let old = read(&path)?;
    if next_path.exists() {
        // A call before this one was cut off.
        match Store::open(database.clone(), &read(&next_path)?).await {
            Ok(store) => {
                store.close().await;
                move_in()?;
                output::line(&format!("{} is the new master key", path.display()));
                return Ok(());
            }
            Err(StoreError::WrongMasterKey { .. }) => fs::remove_file(&next_path)
                .with_context(|| format!("{} cannot be removed", next_path.display()))?,
            Err(error) => return Err(error.into()),
        }
    }
    let next = MasterKey::generate()?;
    write_secret(&next_path, next.as_bytes())?;
    let replace = replace_master_key(&database, &old, &next);
    let sealed = match changing("replace", "master-keys", "", replace).await {
        Ok(sealed) => sealed,
        Err(error) => {
            let _ = fs::remove_file(&next_path);
            return Err(error.into());
        }
    };
    move_in()?;
    output::line(&format!(
        "{} is a new master key, and the credentials of {sealed} clusters are sealed under it; keep a copy, bring it to every control plane before its start, and make a backup: those before need the old one",
        path.display()
    ));
    Ok(())
}
