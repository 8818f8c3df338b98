//! Asking an API server whether it is there and takes the gateway's credential.

mod error;
mod review;
mod rights;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use cubegate_domain::{ApiServer, Cluster};
use tokio::net;
use tokio::time;

use crate::client;
pub use error::ProbeError;

/// How long an API server may take for its first answer.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest answer; a version has less than 2 KiB, a review of all rules some more.
pub(crate) const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What an API server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// Its version, as `v1.20.4`.
    pub version: String,
    /// One sentence each; the cluster can be registered all the same.
    pub warnings: Vec<String>,
}

/// Asks `GET /version` with the cluster's credential, then whether that
/// credential may impersonate users and `groups`, those that users of the gateway are in,
/// and nothing else.
///
/// # Errors
/// One sentence that tells the usual causes apart; see [`ProbeError`].
pub async fn probe(
    cluster: &Cluster,
    groups: &BTreeSet<String>,
) -> Result<ProbeReport, ProbeError> {
    let server = cluster.server.to_string();
    let timed_out = || ProbeError::TimedOut {
        server: server.clone(),
    };
    let config =
        client::config(&cluster.server, &cluster.tls, &cluster.credential).map_err(|reason| {
            ProbeError::Configuration {
                server: server.clone(),
                reason,
            }
        })?;
    let client =
        client::connect(config, MAX_ANSWER_BYTES).map_err(|reason| ProbeError::Configuration {
            server: server.clone(),
            reason,
        })?;

    let version = time::timeout(PROBE_TIMEOUT, async {
        resolve(&cluster.server).await?;
        client
            .apiserver_version()
            .await
            .map_err(|error| ProbeError::from_kube(&server, &error))
    })
    .await
    .map_err(|_| timed_out())??
    .git_version;

    Ok(ProbeReport {
        version,
        warnings: review::credential(client, groups).await,
    })
}

/// Looks the name up first: the client's own error would not tell a name that
/// does not exist from a server that does not answer.
pub(crate) async fn resolve(server: &ApiServer) -> Result<(), ProbeError> {
    net::lookup_host((server.host.as_str(), server.port))
        .await
        .map(|_| ())
        .map_err(|_| ProbeError::NameNotFound {
            host: server.host.clone(),
        })
}
