//! The audit records of what sources change.

use cubegate_audit::{AuditClass, Record, Source};
use cubegate_store::{Recording, recorded};
use time::OffsetDateTime;

/// Does what changes clusters in one transaction, and keeps a record of each in it. `client` is
/// the source.
pub(super) async fn changing<T>(
    client: &'static str,
    verb: &'static str,
    change: impl Future<Output = T>,
) -> T {
    let recording = Recording::new(move |changed| {
        let now = OffsetDateTime::now_utc();
        let mut record = Record::new(Source::Follow, now, verb);
        record.client = Some(client.to_owned());
        record.resource = Some("clusters".to_owned());
        record.name = Some(changed.name.to_owned());
        record.cluster = Some(changed.name.to_owned());
        record.class = AuditClass::Change;
        record.into_row()
    });
    recorded(recording, change).await
}
