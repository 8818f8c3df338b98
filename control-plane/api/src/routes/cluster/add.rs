//! `POST /clusters`

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_api_types::cube::{AddClusterRequest, ClusterAdded, Success};
use cubegate_domain::ClusterName;
use cubegate_member::{FileAccess, parse_kubeconfig, probe};

use crate::audit::Note;
use crate::extract::{Admin, RawBody, Writer};
use crate::{ApiError, AppState, respond};

/// How long connected Envoys may take to answer a new cluster.
const ENVOY_PATIENCE: Duration = Duration::from_secs(3);

/// Nothing could prove the API server.
const NO_SYSTEM_CA: &str = "the kubeconfig has no certificate-authority-data and the control plane knows no CA bundle of its system; embed the CA, or have --system-ca given";

/// Registers a cluster from a kubeconfig, after its API server has answered unless
/// `check` is false. What only the gateway's own machine reaches is refused, unless an
/// operator allows it.
#[utoipa::path(
    post,
    path = "/api/v1/cube/clusters",
    tag = "clusters",
    summary = "Register a cluster, for administrators",
    request_body(content = AddClusterRequest),
    responses((status = 200, description = "It is done", body = ClusterAdded)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Writer>,
    note: Note,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let request: AddClusterRequest =
        serde_json::from_slice(&body).map_err(|_| ApiError::BodyFormatInvalid)?;
    if request.name.is_empty() {
        return Err(ApiError::ParamMissing("name"));
    }
    if request.kubeconfig.trim().is_empty() {
        return Err(ApiError::ParamMissing("kubeconfig"));
    }
    let name: ClusterName = request.name.parse().map_err(bad_request)?;
    note.name(name.as_str());
    note.cluster(name.as_str());
    // Again below, atomically; here it saves the wait for the probe.
    if state.store.get_cluster(name.as_str()).await?.is_some() {
        return Err(ApiError::ClusterExists(name.to_string()));
    }

    let spec = parse_kubeconfig(
        &plain_text(&request.kubeconfig),
        request.context.as_deref(),
        // A path in it would name a file of this machine.
        &FileAccess::Refused,
    )
    .map_err(bad_request)?;
    state
        .cluster_addresses
        .check(&spec.server)
        .await
        .map_err(bad_request)?;
    let mut warnings = spec.warnings.clone();
    let cluster = spec.into_cluster(name, state.clock.now());
    if cluster.needs_system_ca() && !cubegate_member::knows_system_ca() {
        return Err(bad_request(NO_SYSTEM_CA));
    }
    if request.check.unwrap_or(true) {
        let groups = state.store.impersonated_groups().await?;
        let report = probe(&cluster, &groups).await.map_err(bad_request)?;
        warnings.extend(report.warnings);
    }
    state.store.add_cluster(&cluster, false).await?;
    tracing::info!(cluster.name = %cluster.name, cluster.server = %cluster.server, "a cluster was added");
    let answers = state
        .store
        .wait_for_envoys(cluster.name.as_str(), ENVOY_PATIENCE, || state.clock.now())
        .await?;
    warnings.extend(answers.warnings());
    Ok(respond::json(&ClusterAdded {
        message: Success::default().message,
        warnings,
    }))
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

fn bad_request(error: impl std::fmt::Display) -> ApiError {
    ApiError::BadRequest(error.to_string())
}
