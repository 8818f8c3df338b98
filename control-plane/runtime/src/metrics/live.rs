//! What others have found out already, read when somebody asks.

use std::fmt;
use std::sync::Arc;

use cubegate_api::{ClusterStates, ClusterStatus, Document};
use cubegate_audit::Recorder;
use cubegate_filter_config::{DOCUMENT_FILTER_NAME, FILTER_NAME, RevocationKind};
use cubegate_snapshot::Snapshot;
use cubegate_store::Store;
use cubegate_xds::{EnvoyStatus, Envoys};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use time::OffsetDateTime;
use tokio::sync::watch;

use super::rows::{Label, Rows, number, one, size};
use crate::pki::Ca;
use crate::tls::Identity;
use crate::{control_plane, pki};

/// Where it is read.
pub(crate) struct Live {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) envoys: watch::Receiver<Envoys>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) documents: watch::Receiver<Vec<Document>>,
    pub(crate) clusters: watch::Receiver<ClusterStates>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) live: watch::Receiver<control_plane::Live>,
    /// The CA of xDS.
    pub(crate) authority: watch::Receiver<Ca>,
}

// === impl Live ===

impl Live {
    fn envoys(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let newest = self.snapshots.borrow().clone();
        let envoys = self.envoys.borrow().clone();
        let mut counts = [("current", 0), ("behind", 0), ("refusing", 0)];
        for status in envoys.values() {
            let at = state_of(status, &newest);
            for (_, count) in counts.iter_mut().filter(|(name, _)| *name == at) {
                *count += 1;
            }
        }
        rows.gauge(
            "envoys",
            None,
            "Connected Envoys: those that have the newest snapshot, are behind it, or refuse something of it",
            counts.map(|(state, count)| (vec![label("state", state)], number(count))),
        )
    }

    fn clusters(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let clusters = self.clusters.borrow().clone();
        rows.gauge(
            "cluster_up",
            None,
            "Whether the control plane could read a cluster's discovery the last time (1) or not (0)",
            clusters.iter().filter_map(|(name, state)| {
                let is_up = match state.status {
                    ClusterStatus::Normal => 1.0,
                    ClusterStatus::Abnormal => 0.0,
                    ClusterStatus::Unknown => return None,
                };
                Some((vec![label("cluster", name)], is_up))
            }),
        )?;
        let mut counts = [("up", 0), ("down", 0), ("unknown", 0)];
        for state in clusters.values() {
            let at = match state.status {
                ClusterStatus::Normal => "up",
                ClusterStatus::Abnormal => "down",
                ClusterStatus::Unknown => "unknown",
            };
            for (_, count) in counts.iter_mut().filter(|(name, _)| *name == at) {
                *count += 1;
            }
        }
        rows.gauge(
            "clusters",
            None,
            "Registered clusters by whether the control plane could read their discovery the last time",
            counts.map(|(state, count)| (vec![label("state", state)], number(count))),
        )?;
        rows.gauge(
            "cluster_credential_expiry_timestamp",
            Some(&Unit::Seconds),
            "When the gateway's own credential at a cluster ends, in Unix time, if it says so",
            clusters.iter().filter_map(|(name, state)| {
                Some((
                    vec![label("cluster", name)],
                    time(state.credential_ends?.unix_timestamp()),
                ))
            }),
        )
    }

    fn documents(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let documents: Vec<Document> = self.documents.borrow().clone();
        let ours = documents
            .iter()
            .filter(|document| is_filters(&document.name));
        let of = |document: &Document| vec![label("document", &document.name)];
        rows.gauge(
            "document",
            Some(&Unit::Bytes),
            "How long what the filter is told is",
            ours.clone()
                .map(|document| (of(document), size(document.bytes))),
        )?;
        rows.gauge(
            "document_limit",
            Some(&Unit::Bytes),
            "The longest that Envoys can be sent of it",
            ours.clone()
                .map(|document| (of(document), size(document.limit))),
        )?;
        rows.gauge(
            "document_left_out_entries",
            None,
            "Entries that found no room in it",
            ours.map(|document| (of(document), size(document.left_out))),
        )
    }

    fn audit(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let (waiting, capacity) = self.recorder.queued();
        rows.gauge(
            "audit_queue_records",
            None,
            "Audit records that wait to be written",
            one(size(waiting)),
        )?;
        rows.gauge(
            "audit_queue_limit_records",
            None,
            "How many may wait",
            one(size(capacity)),
        )?;
        rows.counter(
            "audit_dropped_records",
            "Audit records that found the queue full and are lost",
            one(self.recorder.dropped()),
        )
    }

    fn pools(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let pools = self.store.pool_sizes();
        let of = |name: &str, state: &str| vec![label("pool", name), label("state", state)];
        rows.gauge(
            "store_connections",
            None,
            "Connections to the database",
            pools.iter().flat_map(|pool| {
                let used = pool.open.saturating_sub(pool.idle);
                [("used", used), ("idle", pool.idle)]
                    .map(|(state, count)| (of(pool.name, state), f64::from(count)))
            }),
        )?;
        rows.gauge(
            "store_connections_limit",
            None,
            "How many there may be",
            pools
                .iter()
                .map(|pool| (vec![label("pool", pool.name)], f64::from(pool.max))),
        )
    }

    fn certificates(&self, rows: &mut Rows<'_>) -> fmt::Result {
        let listener = self.live.borrow().certificate.clone();
        let listener = listener.and_then(|own| pki::ends_pem(&own.certificate_pem));
        let authority = self.authority.borrow().expires_at().ok();
        let all = [
            ("xds-ca", authority.map(OffsetDateTime::unix_timestamp)),
            ("listener", listener),
            ("control-plane", self.identity.expires_at()),
        ];
        rows.gauge(
            "certificate_expiry_timestamp",
            Some(&Unit::Seconds),
            "When a certificate of the gateway's own ends, in Unix time",
            all.into_iter()
                .filter_map(|(name, ends)| Some((vec![label("certificate", name)], time(ends?)))),
        )
    }
}

impl Collector for Live {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut rows = Rows(encoder);
        self.envoys(&mut rows)?;
        self.clusters(&mut rows)?;
        self.documents(&mut rows)?;
        self.audit(&mut rows)?;
        self.pools(&mut rows)?;
        self.certificates(&mut rows)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

fn label(name: &'static str, value: &str) -> Label {
    (name, value.to_owned())
}

/// What one Envoy is counted as.
fn state_of(status: &EnvoyStatus, newest: &Arc<Snapshot>) -> &'static str {
    let reached = status.reached.as_ref();
    match reached.is_some_and(|reached| Arc::ptr_eq(reached, newest)) {
        _ if !status.refuses.is_empty() => "refusing",
        true => "current",
        false => "behind",
    }
}

/// Other documents than the filter's are listed only when they come near their limit, and
/// may be named after clusters.
fn is_filters(document: &str) -> bool {
    [FILTER_NAME, DOCUMENT_FILTER_NAME].contains(&document)
        || RevocationKind::ALL
            .iter()
            .any(|kind| kind.filter_name() == document)
}

/// Unix seconds as a value.
fn time(seconds: i64) -> f64 {
    number(u64::try_from(seconds).unwrap_or_default())
}
