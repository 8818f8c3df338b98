//! What runs beside each other until everything is stopped.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long all of them may take to end, once they are told to. A stream of an Envoy
/// elsewhere may stay open for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tasks that end together.
#[derive(Default)]
pub(super) struct Tasks {
    stop: CancellationToken,
    running: JoinSet<anyhow::Result<()>>,
}

// === impl Tasks ===

impl Tasks {
    /// Returns what is ready as soon as everything is to end.
    pub(super) fn stopped(&self) -> WaitForCancellationFutureOwned {
        self.stop.clone().cancelled_owned()
    }

    /// Runs work that may be cut at any place.
    pub(super) fn until_stopped(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.stop.clone().run_until_cancelled_owned(work);
        self.spawn(async move { work.await.unwrap_or_default() });
    }

    /// Runs work that ends by itself after [`Self::stopped`].
    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.try_spawn(async move {
            work.await;
            Ok(())
        });
    }

    /// Runs work that ends likewise, or fails.
    pub(super) fn try_spawn(
        &mut self,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.running.spawn(work);
    }

    /// Ends all of them; one that takes longer than 10 s is cut.
    ///
    /// # Errors
    /// The first error of one of them, or its panic.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let latest = Instant::now() + PATIENCE;
        let mut outcome = Ok(());
        while let Ok(Some(ended)) = timeout_at(latest, self.running.join_next()).await {
            outcome = outcome.and(ended.map_err(Into::into).flatten());
        }
        outcome
    }
}
