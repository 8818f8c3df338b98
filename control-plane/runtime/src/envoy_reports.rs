//! From what Envoys answer to what commands and the API can say of it: a row of the
//! database for each Envoy that is connected here.
//!
//! A command is another process, and there may be several control planes; the database
//! is what they all have.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cubegate_snapshot::{ResourceType, Snapshot, member_of};
use cubegate_store::{
    AcceptedResources, ENVOY_REPORT_INTERVAL, EnvoyReport, EnvoyState, RefusedResource, Store,
};
use cubegate_xds::{EnvoyStatus, Envoys};
use rand::Rng as _;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::checks::Answers;

/// From one report to the next, when there is something new: so many times as long as the last one
/// took, which has a row for each Envoy, and at most so long. Who waits in another process waits for it.
const REST: u32 = 20;
const MOST: Duration = Duration::from_millis(500);

/// A reason in a report; Envoy may quote whole resources.
const MAX_REASON_CHARS: usize = 500;

/// How many refused resources a report names; it counts all of them.
const MAX_REFUSED: usize = 100;

/// What reports are made from.
#[derive(Clone)]
pub(crate) struct Sources {
    /// The Envoys.
    pub(crate) envoys: watch::Receiver<Envoys>,
    /// The revision whose snapshot was published last.
    pub(crate) revision: watch::Receiver<u64>,
    /// The newest snapshot.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What they were asked about clusters.
    pub(crate) answers: watch::Receiver<Answers>,
}

/// Reports until it is stopped; then it takes its rows along.
pub(crate) async fn keep(store: Store, mut sources: Sources, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    let mut id = [0_u8; 16];
    rand::rng().fill_bytes(&mut id);
    let id = hex::encode(id);
    let mut revisions = BTreeMap::new();
    let mut reported = Vec::new();
    let mut due = Instant::now();
    let mut rested = Instant::now();
    loop {
        let reports = sources.reports(&mut revisions);
        // Whoever waits in this process waits for no database.
        store.note_envoys(&id, &reports);
        let news = without_accepted(&reports);
        let is_due = !reports.is_empty() && Instant::now() >= due;
        if (news != reported || is_due) && Instant::now() >= rested {
            let began = Instant::now();
            match store
                .report_envoys(&id, &reports, OffsetDateTime::now_utc())
                .await
            {
                Ok(()) => reported.clone_from(&news),
                // Whatever else needs the database says more.
                Err(error) => tracing::warn!(%error, "what Envoys answer could not be written"),
            }
            due = Instant::now() + ENVOY_REPORT_INTERVAL;
            // A database that fails is not asked all the time.
            rested = match reported == news {
                true => Instant::now() + began.elapsed().saturating_mul(REST).min(MOST),
                false => due,
            };
        }
        let next = match reported == news {
            true if reports.is_empty() => Instant::now() + ENVOY_REPORT_INTERVAL,
            true => due.max(rested),
            false => rested,
        };
        tokio::select! {
            Ok(()) = sources.envoys.changed() => {}
            Ok(()) = sources.revision.changed() => {}
            Ok(()) = sources.answers.changed() => {}
            () = sleep_until(next) => {}
            () = &mut stopped => break,
        }
    }
    store.note_envoys(&id, &[]);
    let _ = store
        .report_envoys(&id, &[], OffsetDateTime::now_utc())
        .await;
}

// === impl Sources ===

impl Sources {
    /// `revisions` is how far each stream was known to be, and is brought up to date.
    pub(crate) fn reports(&mut self, revisions: &mut BTreeMap<u64, u64>) -> Vec<EnvoyReport> {
        // In this order: the snapshot is at least as new as the revision.
        let revision = *self.revision.borrow_and_update();
        let snapshot = self.snapshots.borrow().clone();
        let envoys = self.envoys.borrow_and_update().clone();
        let answers = self.answers.borrow_and_update();
        revisions.retain(|stream, _| envoys.contains_key(stream));
        envoys
            .iter()
            .map(|(stream, status)| {
                let known = revisions.entry(*stream).or_default();
                if let Some(reached) = &status.reached {
                    // A change that is of no interest to Envoys makes no snapshot.
                    *known = match Arc::ptr_eq(reached, &snapshot) {
                        true => revision,
                        false => reached.revision.max(*known),
                    };
                }
                EnvoyReport {
                    stream: *stream,
                    node: status.node.id.clone(),
                    revision: *known,
                    refusals: refusals(status),
                    state: EnvoyState {
                        checks: answers.get(stream).cloned().unwrap_or_default(),
                        ..state(status)
                    },
                }
            })
            .collect()
    }
}

/// Returns what is worth a report at once. What Envoys have accepted changes with every
/// session that goes on, and can wait for the next one: the database is everybody's.
fn without_accepted(reports: &[EnvoyReport]) -> Vec<EnvoyReport> {
    let mut news = reports.to_vec();
    for report in &mut news {
        report.state.accepted.clear();
    }
    news
}

/// Returns the clusters of which this Envoy refuses something, with the first reason.
fn refusals(status: &EnvoyStatus) -> BTreeMap<String, String> {
    let mut refusals = BTreeMap::new();
    for ((_, name), reason) in &status.refuses {
        if let Some(cluster) = member_of(name) {
            refusals
                .entry(cluster.to_owned())
                .or_insert_with(|| one_line(reason));
        }
    }
    refusals
}

fn state(status: &EnvoyStatus) -> EnvoyState {
    let accepted = status
        .accepted
        .iter()
        .map(|(kind, accepted)| AcceptedResources {
            kind: name_of(*kind),
            version: accepted.version.clone(),
            resources: accepted.resources,
            at: OffsetDateTime::from(accepted.at).unix_timestamp(),
        });
    let refused = status
        .refuses
        .iter()
        .take(MAX_REFUSED)
        .map(|((kind, name), reason)| RefusedResource {
            kind: name_of(*kind),
            name: name.clone(),
            reason: one_line(reason),
        });
    EnvoyState {
        version: one_line(&status.node.version),
        address: status.peer.map(|peer| peer.to_string()),
        connected_at: OffsetDateTime::from(status.connected_at).unix_timestamp(),
        accepted: accepted.collect(),
        refused: refused.collect(),
        refused_total: status.refuses.len(),
        ..EnvoyState::default()
    }
}

/// Returns what the type is called in Envoy's API, without its package.
fn name_of(kind: ResourceType) -> String {
    let url = kind.type_url();
    url.rsplit('.').next().unwrap_or(url).to_owned()
}

/// Returns what an Envoy said, as far as it fits into one line of a report.
fn one_line(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\0'], " ");
    line.chars().take(MAX_REASON_CHARS).collect()
}
