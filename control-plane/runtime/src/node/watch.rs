//! Who is shut out, and who is here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::NodeCertificate;
use cubegate_store::{Store, StoreError};
use cubegate_xds::Envoys;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::pki::Ca;

/// How often it is written which Envoys are connected.
const SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// How often the end of the CA is looked at.
const CA_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before its end a CA is warned about.
const CA_WARNING: time::Duration = time::Duration::days(180);

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// Arrivals that are not yet looked at. What finds no place is seen a minute later.
const ARRIVALS: usize = 256;

/// Until when certificates are refused that were issued, by the Envoy's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ShutOut(Arc<BTreeMap<String, OffsetDateTime>>);

/// What those who accept connections need.
#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    /// Who is shut out.
    pub(crate) shut_out: watch::Receiver<ShutOut>,
    /// Takes who has come.
    pub(crate) arrivals: mpsc::Sender<NodeCertificate>,
}

/// What [`keep`] works with.
pub(crate) struct Keeper {
    store: Store,
    publish: watch::Sender<ShutOut>,
    arrived: mpsc::Receiver<NodeCertificate>,
}

// === impl ShutOut ===

impl ShutOut {
    /// These.
    #[cfg(test)]
    pub(crate) fn of(names: &[(&str, OffsetDateTime)]) -> Self {
        let until = |(name, until): &(&str, OffsetDateTime)| ((*name).to_owned(), *until);
        Self(Arc::new(names.iter().map(until).collect()))
    }

    /// Returns whether a certificate is refused.
    pub(crate) fn holds(&self, certificate: &NodeCertificate) -> bool {
        self.0
            .get(&certificate.node)
            .is_some_and(|until| certificate.issued_at <= *until)
    }
}

// === impl Nodes ===

impl Nodes {
    /// Reads who is shut out now.
    pub(crate) async fn new(store: Store) -> Result<(Self, Keeper), StoreError> {
        let (publish, shut_out) = watch::channel(read(&store).await?);
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let keeper = Keeper {
            store,
            publish,
            arrived,
        };
        Ok((Self { shut_out, arrivals }, keeper))
    }
}

async fn read(store: &Store) -> Result<ShutOut, StoreError> {
    Ok(ShutOut(Arc::new(store.list_revoked_nodes().await?)))
}

/// Follows the store and notes who is connected, for as long as it is polled.
pub(crate) async fn keep(
    keeper: Keeper,
    envoys: watch::Receiver<Envoys>,
    authority: watch::Receiver<Ca>,
) {
    let Keeper {
        store,
        publish,
        mut arrived,
    } = keeper;
    let mut revision = store.subscribe();
    // The first state was read by the caller, perhaps of an older revision.
    revision.mark_changed();
    let mut known: BTreeMap<String, NodeCertificate> = BTreeMap::new();
    let mut seen = interval_at(Instant::now() + SEEN_INTERVAL, SEEN_INTERVAL);
    seen.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ca_check = interval_at(Instant::now(), CA_INTERVAL);
    loop {
        tokio::select! {
            changed = revision.changed() => {
                if changed.is_err() {
                    return;
                }
                follow(&store, &publish).await;
            }
            Some(certificate) = arrived.recv() => {
                note(&store, &certificate).await;
                known.insert(certificate.node.clone(), certificate);
            }
            _ = seen.tick() => {
                let here = envoys.borrow().clone();
                for status in here.values() {
                    if let Some(certificate) = known.get(&status.node.id) {
                        note(&store, certificate).await;
                    }
                }
            }
            _ = ca_check.tick() => check_ca(&authority.borrow()),
        }
    }
}

/// Until the database has answered: a revocation must not be missed.
async fn follow(store: &Store, publish: &watch::Sender<ShutOut>) {
    loop {
        match read(store).await {
            Ok(now) => {
                publish.send_if_modified(|current| {
                    let changed = *current != now;
                    *current = now;
                    changed
                });
                return;
            }
            Err(error) => {
                tracing::error!(%error, "it cannot be read which Envoys are shut out");
                sleep(RETRY).await;
            }
        }
    }
}

async fn note(store: &Store, certificate: &NodeCertificate) {
    let noted = store
        .note_node_seen(certificate, OffsetDateTime::now_utc())
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, "it could not be noted that an Envoy is connected");
    }
}

fn check_ca(ca: &Ca) {
    match ca.expires_at() {
        Ok(end) if end - OffsetDateTime::now_utc() < CA_WARNING => tracing::warn!(
            ca.file = %ca.certificate_path().display(),
            ca.expires_at = %end,
            "the CA of control plane and Envoys ends; then no Envoy gets in any more: see \"The CA\" in docs/envoys.md"
        ),
        Ok(_) => {}
        Err(error) => {
            let error = crate::output::sentence(&error);
            tracing::warn!(%error, "it cannot be read when the CA ends");
        }
    }
}
