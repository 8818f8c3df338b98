//! `cubegate audit export`, and the records of what other commands change.

use cubegate_audit::{AuditClass, Lines, Record, Search, Source};
use cubegate_list::ListRequest;
use cubegate_store::{Recording, recorded};
use time::OffsetDateTime;

use crate::args::{AuditCommand, AuditExportArgs, DataArgs};
use crate::{commands, output};

pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<()> {
    let AuditCommand::Export(args) = command;
    let AuditExportArgs {
        from,
        to,
        user,
        cluster,
        filter,
        data,
    } = args;
    let search = Search::new(&from, &to, &user, &cluster)?;
    let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let query = ListRequest::parse(&format!("filter={filter}")).query?;
    let store = commands::open(&data).await?;
    let mut lines = Lines::new(store, search, query, OffsetDateTime::now_utc())?;
    while let Some(batch) = lines.next().await {
        // Whoever reads has seen enough (`| head`).
        if output::bytes(&batch?).is_err() {
            break;
        }
    }
    Ok(())
}

/// Does what changes this thing, and keeps a record in the same transaction: the one
/// is not there without the other. `name` is that of the thing, if it has one before.
pub(crate) async fn changing<T>(
    verb: &str,
    resource: &'static str,
    name: &str,
    change: impl Future<Output = T>,
) -> T {
    let (verb, name) = (verb.to_owned(), name.to_owned());
    let recording = Recording::new(move |changed| {
        let resource = changed.along.unwrap_or(resource);
        let name = match changed.along {
            None if !name.is_empty() => &name,
            _ => changed.name,
        };
        let mut record = Record::new(Source::Cli, OffsetDateTime::now_utc(), &verb);
        // Whoever can read the data directory; its name here is no user of ours.
        let uid = rustix::process::getuid().as_raw();
        record.client = Some(format!("uid {uid}"));
        record.resource = Some(resource.to_owned());
        record.name = (!name.is_empty()).then(|| name.to_owned());
        if resource == "clusters" {
            record.cluster = Some(name.to_owned());
        }
        record.class = AuditClass::Change;
        record.into_row()
    });
    recorded(recording, change).await
}

/// The same for what changes files. The database may be elsewhere, or be what is wrong: that keeps
/// nobody from ending all tokens, and is told.
pub(crate) async fn changing_files<T>(
    verb: &str,
    resource: &'static str,
    data: &DataArgs,
    change: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match commands::open(data).await {
        Ok(store) => changing(verb, resource, "", store.record(change)).await,
        Err(error) => {
            let changed = change()?;
            output::warn(&format!(
                "it is done, but stands in no audit record: {}",
                output::sentence(&error)
            ));
            Ok(changed)
        }
    }
}
