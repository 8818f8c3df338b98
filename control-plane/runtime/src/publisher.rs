//! From the database to every Envoy: whenever the store's revision moves, or a cluster
//! has other resources, the state is read, made into a snapshot and published whole.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cubegate_filter_config::{Limits, Revoked, TokenKeys};
use cubegate_snapshot::{Endpoint, FilterModule, GatewayState, ListenerSettings, Snapshot};
use cubegate_store::{Revocations, Store};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::discovery::Known;

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// What of a snapshot does not change while the control plane runs.
pub(crate) struct Fixed {
    pub(crate) tokens: TokenKeys,
    pub(crate) cors_origins: BTreeSet<String>,
    pub(crate) limits: Limits,
    pub(crate) module: FilterModule,
    pub(crate) listener: ListenerSettings,
    pub(crate) control_plane: Endpoint,
}

/// Makes the snapshot of what the store holds now, and of what is known of clusters.
pub(crate) async fn snapshot(
    store: &Store,
    known: &watch::Receiver<Known>,
    fixed: &Fixed,
) -> anyhow::Result<Arc<Snapshot>> {
    let Fixed {
        tokens,
        cors_origins,
        limits,
        module,
        listener,
        control_plane,
    } = fixed;
    let resources = known.borrow().resources.clone();
    let state = GatewayState {
        clusters: store.list_clusters().await?,
        host_cluster: store.host_cluster().await?,
        resources,
        tokens: tokens.clone(),
        revoked: revoked(store).await?,
        cors_origins: cors_origins.clone(),
        limits: limits.clone(),
        module: module.clone(),
        listener: listener.clone(),
        control_plane: control_plane.clone(),
    };
    Ok(Arc::new(state.snapshot()?))
}

/// What is refused now. An entry that has expired leaves with the next change.
async fn revoked(store: &Store) -> anyhow::Result<Revoked> {
    let Revocations {
        users,
        keys,
        sessions,
        tokens,
    } = store.list_revocations(OffsetDateTime::now_utc()).await?;
    Ok(Revoked {
        users,
        keys,
        sessions,
        tokens,
    })
}

/// Publishes a new snapshot whenever the store or what is known of clusters changes,
/// until nobody listens. While the database fails, Envoys keep what they have.
pub(crate) async fn run(
    store: Store,
    mut known: watch::Receiver<Known>,
    fixed: Fixed,
    publish: watch::Sender<Arc<Snapshot>>,
) {
    let mut revision = store.subscribe();
    // The first snapshot was made by the caller, perhaps of an older revision.
    revision.mark_changed();
    loop {
        tokio::select! {
            changed = revision.changed() => if changed.is_err() {
                return;
            },
            Ok(()) = known.changed() => {}
        }
        loop {
            let now = *revision.borrow_and_update();
            known.mark_unchanged();
            match snapshot(&store, &known, &fixed).await {
                Ok(snapshot) => {
                    let changed = publish.send_if_modified(|current| {
                        let changed = **current != *snapshot;
                        *current = snapshot;
                        changed
                    });
                    if changed {
                        tracing::info!(store.revision = now, "a new snapshot is published");
                    }
                    break;
                }
                Err(error) => {
                    let error = crate::output::sentence(&error);
                    tracing::error!(%error, "no snapshot can be made; Envoys keep theirs");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        if publish.is_closed() {
            return;
        }
    }
}
