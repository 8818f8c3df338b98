//! PostgreSQL: `NOTIFY` within the transaction that moves the revision, and one connection that
//! listens.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, Error, Executor as _};
use tokio::time::timeout;
use url::Url;

use crate::connect::CONNECT_TIMEOUT;
use crate::patience::{ALIVE, silent, within};

/// Told to everybody at the commit of the transaction that it stands in. Such transactions wait
/// for each other anyway, at the row of the revision.
pub(crate) const NOTIFY: &str = "NOTIFY cubegate_revision";

/// What is listened to, in this database alone.
const CHANNEL: &str = "cubegate_revision";

/// After how long without a word the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// Says of each notification, until the connection breaks or is silent.
pub(super) async fn follow(url: &Url, told: impl Fn()) -> Result<(), Error> {
    // Of one connection, and only for one: what is silent must not be in the way of the next.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(PgConnectOptions::from_url(url)?);
    let mut listener = PgListener::connect_with(&pool).await?;
    // What was lost is to be known here.
    listener.eager_reconnect(false);
    within(ALIVE, listener.listen(CHANNEL)).await?;
    told();
    loop {
        match timeout(QUIET, listener.try_recv()).await {
            Ok(heard) => {
                if heard?.is_none() {
                    return Err(silent());
                }
                // Many changes are one reason to look.
                while listener.next_buffered().is_some() {}
                told();
            }
            Err(_) => {
                within(ALIVE, (&mut listener).execute("SELECT 1")).await?;
            }
        }
    }
}
