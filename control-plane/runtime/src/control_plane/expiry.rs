//! What has expired leaves the database by itself.

use std::time::Duration;

use cubegate_store::Store;
use time::OffsetDateTime;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// How long others may write between two transactions of it.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes it out again and again.
pub(super) async fn keep(store: Store) {
    loop {
        let wait = match store.forget_expired(OffsetDateTime::now_utc()).await {
            Ok(true) => PAUSE,
            Ok(false) => INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "what has expired could not be taken out of the database; it is tried again");
                INTERVAL
            }
        };
        tokio::time::sleep(wait).await;
    }
}
