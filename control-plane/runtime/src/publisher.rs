//! From the database to every Envoy: whenever the store's revision moves, the
//! state is read, made into a snapshot and published whole.

use std::sync::Arc;
use std::time::Duration;

use cubegate_filter_config::{Limits, Revoked, TokenKeys};
use cubegate_snapshot::{Endpoint, FilterModule, GatewayState, ListenerSettings, Snapshot};
use cubegate_store::{Revocations, Store};
use time::OffsetDateTime;
use tokio::sync::watch;

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// What of a snapshot does not change while the control plane runs.
pub(crate) struct Fixed {
    pub(crate) tokens: TokenKeys,
    pub(crate) limits: Limits,
    pub(crate) module: FilterModule,
    pub(crate) listener: ListenerSettings,
    pub(crate) control_plane: Endpoint,
}

/// Makes the snapshot of what the store holds now.
pub(crate) async fn snapshot(store: &Store, fixed: &Fixed) -> anyhow::Result<Arc<Snapshot>> {
    let Fixed {
        tokens,
        limits,
        module,
        listener,
        control_plane,
    } = fixed;
    let state = GatewayState {
        clusters: store.list_clusters().await?,
        tokens: tokens.clone(),
        revoked: revoked(store).await?,
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

/// Publishes a new snapshot whenever the store changes, until nobody listens.
/// While the database fails, Envoys keep what they have.
pub(crate) async fn run(store: Store, fixed: Fixed, publish: watch::Sender<Arc<Snapshot>>) {
    let mut revision = store.subscribe();
    // The first snapshot was made by the caller, perhaps of an older revision.
    revision.mark_changed();
    while revision.changed().await.is_ok() {
        let now = *revision.borrow_and_update();
        loop {
            match snapshot(&store, &fixed).await {
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
