//! From what Envoys answer to what commands and the API can say of it: a row of the
//! database for each Envoy that is connected here.
//!
//! A command is another process, and there may be several control planes; the database
//! is what they all have.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cubegate_snapshot::{Snapshot, member_of};
use cubegate_store::{ENVOY_REPORT_INTERVAL, EnvoyReport, Store};
use cubegate_xds::{EnvoyStatus, Envoys};
use rand::Rng as _;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// From one report to the next, when there is something new.
const PAUSE: Duration = Duration::from_millis(500);

/// A reason in a report; Envoy may quote whole resources.
const MAX_REASON_CHARS: usize = 500;

/// What reports are made from.
pub(crate) struct Sources {
    /// The Envoys.
    pub(crate) envoys: watch::Receiver<Envoys>,
    /// The revision whose snapshot was published last.
    pub(crate) revision: watch::Receiver<u64>,
    /// The newest snapshot.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// Reports until it is stopped; then it takes its rows along.
pub(crate) async fn keep(store: Store, mut sources: Sources, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    let mut id = [0_u8; 16];
    rand::rng().fill_bytes(&mut id);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut revisions = BTreeMap::new();
    let mut reported = Vec::new();
    let mut due = Instant::now();
    loop {
        let reports = sources.reports(&mut revisions);
        if reports != reported || (!reports.is_empty() && Instant::now() >= due) {
            match store
                .report_envoys(&id, &reports, OffsetDateTime::now_utc())
                .await
            {
                Ok(()) => reported = reports,
                // Whatever else needs the database says more.
                Err(error) => tracing::warn!(%error, "what Envoys answer could not be written"),
            }
            due = Instant::now() + ENVOY_REPORT_INTERVAL;
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = &mut stopped => break,
            }
        }
        tokio::select! {
            Ok(()) = sources.envoys.changed() => {}
            Ok(()) = sources.revision.changed() => {}
            () = sleep_until(due) => due = due.max(Instant::now()),
            () = &mut stopped => break,
        }
    }
    let _ = store
        .report_envoys(&id, &[], OffsetDateTime::now_utc())
        .await;
}

// === impl Sources ===

impl Sources {
    /// `revisions` is how far each stream was known to be, and is brought up to date.
    fn reports(&mut self, revisions: &mut BTreeMap<u64, u64>) -> Vec<EnvoyReport> {
        // In this order: the snapshot is at least as new as the revision.
        let revision = *self.revision.borrow_and_update();
        let snapshot = self.snapshots.borrow().clone();
        let envoys = self.envoys.borrow_and_update().clone();
        revisions.retain(|stream, _| envoys.contains_key(stream));
        envoys
            .iter()
            .map(|(stream, status)| {
                let known = revisions.entry(*stream).or_default();
                let is_settled = status
                    .settled
                    .as_ref()
                    .is_some_and(|settled| Arc::ptr_eq(settled, &snapshot));
                if is_settled {
                    *known = revision;
                }
                EnvoyReport {
                    stream: *stream,
                    node: status.node.id.clone(),
                    revision: *known,
                    refusals: refusals(status),
                }
            })
            .collect()
    }
}

/// The clusters of which this Envoy refuses something, with the first reason.
fn refusals(status: &EnvoyStatus) -> BTreeMap<String, String> {
    let mut refusals = BTreeMap::new();
    for ((_, name), reason) in &status.refuses {
        if let Some(cluster) = member_of(name) {
            let line = reason.replace(['\n', '\r', '\0'], " ");
            refusals
                .entry(cluster.to_owned())
                .or_insert_with(|| line.chars().take(MAX_REASON_CHARS).collect());
        }
    }
    refusals
}
