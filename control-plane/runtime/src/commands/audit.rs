//! `cubegate audit export`, and the records of what other commands change.

use cubegate_audit::{Lines, Record, Search, Source};
use cubegate_list::ListRequest;
use cubegate_store::Store;
use time::OffsetDateTime;

use crate::args::{AuditCommand, AuditExportArgs};
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

/// Records what a command has changed. The change stands, so a record that cannot
/// be kept is a warning.
pub(crate) async fn record(store: &Store, verb: &str, resource: &str, name: &str) {
    let mut record = Record::new(Source::Cli, OffsetDateTime::now_utc(), verb);
    // Whoever can read the data directory; its name here is no user of ours.
    let uid = rustix::process::getuid().as_raw();
    record.client = Some(format!("uid {uid}"));
    record.resource = Some(resource.to_owned());
    record.name = Some(name.to_owned());
    if resource == "clusters" {
        record.cluster = Some(name.to_owned());
    }
    if let Err(error) = store.add_audit_rows(&[record.into_row()]).await {
        output::warn(&format!("no audit record could be kept: {error}"));
    }
}
