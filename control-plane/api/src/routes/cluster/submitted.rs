//! A cluster that somebody submits as a kubeconfig: what adding it and trying it have in
//! common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{Cluster, ClusterName, ClusterSource};
use cubegate_member::{FileAccess, ProbeError, parse_kubeconfig, probe};

use crate::audit::Note;
use crate::{ApiError, AppState};

/// Nothing could prove the API server.
const NO_SYSTEM_CA: &str = "the kubeconfig has no certificate-authority-data and the control plane knows no CA bundle of its system; embed the CA, or have --system-ca given";

/// What a kubeconfig says, read and found good.
pub(super) struct Submitted {
    pub(super) cluster: Cluster,
    /// The contexts that there are.
    pub(super) contexts: Vec<String>,
    /// One sentence each.
    pub(super) warnings: Vec<String>,
}

/// What the API server has said of itself.
pub(super) struct Answered {
    /// Empty when only Envoys can ask.
    pub(super) version: String,
    /// One sentence each.
    pub(super) warnings: Vec<String>,
    /// Why only they can.
    pub(super) left_to_envoys: Option<ProbeError>,
}

// === impl Submitted ===

impl Submitted {
    /// Reads a kubeconfig, which may be given in base64.
    pub(super) async fn read(
        state: &AppState,
        name: ClusterName,
        kubeconfig: &str,
        context: Option<&str>,
    ) -> Result<Self, ApiError> {
        let now = state.clock.now();
        // A path in it would name a file of this machine.
        let files = FileAccess::Refused;
        let spec =
            parse_kubeconfig(&plain_text(kubeconfig), context, &files, now).map_err(bad_request)?;
        state
            .cluster_addresses
            .check(&spec.server)
            .await
            .map_err(bad_request)?;
        let (contexts, warnings) = (spec.contexts.clone(), spec.warnings.clone());
        let cluster = spec.into_cluster(name, now, ClusterSource::Api);
        if cluster.needs_system_ca() && !cubegate_member::knows_system_ca() {
            return Err(bad_request(NO_SYSTEM_CA));
        }
        Ok(Self {
            cluster,
            contexts,
            warnings,
        })
    }

    /// Asks the API server for its version, and what the credential may do.
    pub(super) async fn ask(&self, state: &AppState) -> Result<Answered, ApiError> {
        let groups = state.store.impersonated_groups().await?;
        let error = match probe(&self.cluster, &groups).await {
            Ok(report) => {
                return Ok(Answered {
                    version: report.version,
                    warnings: report.warnings,
                    left_to_envoys: None,
                });
            }
            Err(error) => error,
        };
        let warning = error.left_to_envoys().ok_or_else(|| bad_request(&error))?;
        Ok(Answered {
            version: String::new(),
            warnings: vec![warning],
            left_to_envoys: Some(error),
        })
    }
}

/// A name for a cluster that there is not yet.
pub(super) async fn free_name(
    state: &AppState,
    note: &Note,
    name: &str,
) -> Result<ClusterName, ApiError> {
    let name: ClusterName = name.parse().map_err(bad_request)?;
    note.name(name.as_str());
    note.cluster(name.as_str());
    if state.store.get_cluster(name.as_str()).await?.is_some() {
        return Err(ApiError::ClusterExists(name.to_string()));
    }
    Ok(name)
}

/// The text of a kubeconfig that may be given in base64. No kubeconfig is valid
/// base64 by itself: it holds colons.
fn plain_text(kubeconfig: &str) -> String {
    let unfolded: String = kubeconfig.split_ascii_whitespace().collect();
    STANDARD
        .decode(unfolded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| kubeconfig.to_owned())
}

pub(super) fn bad_request(error: impl std::fmt::Display) -> ApiError {
    ApiError::BadRequest(error.to_string())
}
