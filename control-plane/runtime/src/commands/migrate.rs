//! `cubegate migrate`

use anyhow::{anyhow, bail};
use cubegate_store::copy_database;
use serde::Serialize;

use crate::args::MigrateArgs;
use crate::commands::audit::changing;
use crate::data_dir::DataDir;
use crate::output;

/// What was copied.
#[derive(Serialize)]
struct Report {
    from: String,
    to: String,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    name: &'static str,
    rows: u64,
}

pub(crate) async fn run(args: &MigrateArgs) -> anyhow::Result<()> {
    let to = args.target()?;
    let given = args.data.database()?;
    let folder = match &given {
        Some(_) => DataDir::at(&args.data.dir),
        None => DataDir::of_gateway(&args.data.dir)?,
    };
    let from = given.unwrap_or_else(|| folder.join("cubegate.db").into());
    if from == to {
        bail!("{to} is the database that is read; give another one");
    }
    if from.is_new().await? {
        bail!(
            "there is no gateway in the database {from}; give another --database-url or --data-dir"
        );
    }
    // A control plane that runs there has the file open; PostgreSQL tells by itself.
    let _lock = match from.file() {
        Some(_) => Some(folder.lock()?),
        None => None,
    };
    let keys = folder.keys();
    let key = keys.master_key()?.ok_or_else(|| {
        anyhow!(
            "{} is missing, and without it {from} cannot be read; put it back from a backup",
            keys.master_key_path().display()
        )
    })?;
    let copy = copy_database(&from, &to, &key);
    let copied = changing("migrate", "databases", &to.to_string(), copy).await?;
    let tables = copied.tables.into_iter();
    let report = Report {
        from: from.to_string(),
        to: to.to_string(),
        tables: tables.map(|(name, rows)| Table { name, rows }).collect(),
    };
    if args.output.format.print(&report)? {
        return Ok(());
    }
    let rows: Vec<_> = report
        .tables
        .iter()
        .map(|table| vec![table.name.to_owned(), table.rows.to_string()])
        .collect();
    output::table(&["TABLE", "ROWS"], &rows);
    output::line(&format!(
        "{to} has everything that is in {from}, read again and compared; start the control planes with --database-url and the same keys, and none on {from} any more"
    ));
    Ok(())
}
