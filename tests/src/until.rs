//! Waiting for something to become true, never for time to pass.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::time::{Instant, sleep};

const STEP: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is there.
///
/// # Errors
/// The probe's own error at once, or that `what` did not come within `within`.
pub async fn until<T, F, Asked>(what: &str, within: Duration, mut ask: F) -> Result<T>
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + within;
    loop {
        let answer = tokio::time::timeout_at(deadline, ask())
            .await
            .map_err(|_| anyhow!("{what}: no answer within {within:?}"))?;
        if let Some(found) = answer.with_context(|| format!("while waiting for: {what}"))? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(anyhow!("{what}: not so within {within:?}"));
        }
        sleep(STEP).await;
    }
}
