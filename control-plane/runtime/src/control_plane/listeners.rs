//! The sockets that the control plane is reached at.

use std::net::SocketAddr;

use anyhow::anyhow;
use tokio::net::TcpListener;

/// The sockets of the control plane, bound before anything else is done, so
/// that a port in use is told at once.
pub(crate) struct Listeners {
    pub(super) api: TcpListener,
    pub(super) xds: TcpListener,
    pub(super) metrics: TcpListener,
}

// === impl Listeners ===

impl Listeners {
    pub(crate) async fn bind(
        api: SocketAddr,
        xds: SocketAddr,
        metrics: SocketAddr,
    ) -> anyhow::Result<Self> {
        Self::bind_preferring((api, None), (xds, None), (metrics, None)).await
    }

    /// Binds; where the address asks for any port, the preferred one is tried first.
    pub(crate) async fn bind_preferring(
        api: (SocketAddr, Option<SocketAddr>),
        xds: (SocketAddr, Option<SocketAddr>),
        metrics: (SocketAddr, Option<SocketAddr>),
    ) -> anyhow::Result<Self> {
        Ok(Self {
            api: bind(api.0, api.1, "--api-listen").await?,
            xds: bind(xds.0, xds.1, "--xds-listen").await?,
            metrics: bind(metrics.0, metrics.1, "--metrics-listen").await?,
        })
    }
}

async fn bind(
    address: SocketAddr,
    preferred: Option<SocketAddr>,
    flag: &str,
) -> anyhow::Result<TcpListener> {
    if address.port() == 0
        && let Some(preferred) = preferred.filter(|preferred| preferred.ip() == address.ip())
        && let Ok(listener) = TcpListener::bind(preferred).await
    {
        return Ok(listener);
    }
    TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen on {address}: {error}; stop what uses it or give another {flag}")
    })
}
