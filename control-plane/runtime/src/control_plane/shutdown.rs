//! When to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT. They are heard from the call on, also before it is waited.
pub(crate) fn shutdown_signal() -> impl Future<Output = anyhow::Result<()>> {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let (mut terminate, mut interrupt) = (signals.0?, signals.1?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        Ok(())
    }
}
