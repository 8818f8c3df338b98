//! When keys were last used, written from time to time.

use std::pin::pin;

use cubegate_store::{KEY_USES_INTERVAL, Store};

/// Writes them until it is stopped, which waits for a write that has begun. The last
/// time is when everything has stopped.
pub(super) async fn keep(store: Store, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEY_USES_INTERVAL) => {}
            () = &mut stopped => return,
        }
        write(&store).await;
    }
}

/// Writes them once.
pub(super) async fn write(store: &Store) {
    if let Err(error) = store.write_key_uses().await {
        // Whatever else needs the database says more.
        tracing::warn!(%error, "the uses of keys could not be written; they stay noted");
    }
}
