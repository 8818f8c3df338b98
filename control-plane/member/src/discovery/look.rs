//! Whether an API server is there, takes the gateway's credential, and how fast: one small
//! request before a reading.

use std::time::{Duration, Instant};

use http::{Request, header};
use serde::Deserialize;
use tokio::time;

use super::{Discoverer, USER_AGENT};
use crate::probe::{PROBE_TIMEOUT, ProbeError, resolve};

/// Longest version that is kept, in characters; Kubernetes' have some 20.
const MAX_VERSION_CHARS: usize = 64;

/// What an API server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its version, as `v1.20.4`; empty when it tells none.
    pub version: String,
    /// How long the answer took.
    pub latency: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    git_version: String,
}

// === impl Discoverer ===

impl Discoverer {
    /// Asks for the version, over the connection of the last reading if there is one yet. A
    /// server that answers something else is there all the same: which paths the credential
    /// is for, the reading finds out.
    ///
    /// # Errors
    /// One sentence why nothing else need be asked: there is no connection, or no answer
    /// within [`PROBE_TIMEOUT`], or the credential is refused.
    pub async fn look(&self) -> Result<Look, ProbeError> {
        let began = Instant::now();
        let outcome = time::timeout(PROBE_TIMEOUT, self.version()).await;
        let latency = began.elapsed();
        let outcome = outcome.unwrap_or_else(|_| {
            Err(ProbeError::TimedOut {
                server: self.server.to_string(),
            })
        });
        match outcome {
            Ok(version) => Ok(Look { version, latency }),
            Err(ProbeError::Forbidden { .. } | ProbeError::NotKubernetes { .. }) => Ok(Look {
                version: String::new(),
                latency,
            }),
            Err(error) => Err(self.said_better(error).await),
        }
    }

    async fn version(&self) -> Result<String, ProbeError> {
        let server = self.server.to_string();
        let request = Request::get("/version")
            .header(header::USER_AGENT, USER_AGENT)
            .body(Vec::new())
            .map_err(|error| ProbeError::Configuration {
                server: server.clone(),
                reason: error.to_string(),
            })?;
        let answer: Version = self
            .connection
            .client()
            .request(request)
            .await
            .map_err(|error| ProbeError::from_kube(&server, &error))?;
        let version = answer.git_version.chars();
        let version = version.filter(|character| !character.is_control());
        Ok(version.take(MAX_VERSION_CHARS).collect())
    }

    /// The client's error does not tell a name that does not exist from a server that does not
    /// answer.
    pub(super) async fn said_better(&self, error: ProbeError) -> ProbeError {
        let Self { server, .. } = self;
        if !matches!(error, ProbeError::Connection { .. }) {
            return error;
        }
        match time::timeout(PROBE_TIMEOUT, resolve(server)).await {
            Ok(Err(better)) => better,
            Ok(Ok(())) | Err(_) => error,
        }
    }
}
