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
use crate::extract::{Admin, RawBody, WritingCaller};
use crate::{ApiError, AppState, respond};

/// How long connected Envoys may take to answer a new cluster.
const ENVOY_PATIENCE: Duration = Duration::from_secs(3);

/// Nobody was there who could say more.
const NO_ENVOY: &str = "no Envoy is connected, so the control plane alone has asked the API server";

/// Nothing could prove the API server.
const NO_SYSTEM_CA: &str = "the kubeconfig has no certificate-authority-data and the control plane knows no CA bundle of its system; embed the CA, or have --system-ca given";

/// Register a cluster, for administrators.
///
/// Registers a cluster from a kubeconfig. Unless `check` is false, its API server must answer
/// the control plane and the connected Envoys. What only the gateway's own machine reaches is
/// refused, unless an operator allows it.
#[utoipa::path(
    post,
    path = "/api/v1/cube/clusters",
    tag = "clusters",
    request_body(content = AddClusterRequest),
    responses((status = 200, description = "The cluster is registered; warnings tell what may yet be wrong with it", body = ClusterAdded)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<WritingCaller>,
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
        state.clock.now(),
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
    let check = request.check.unwrap_or(true);
    let mut left_to_envoys = None;
    if check {
        let groups = state.store.impersonated_groups().await?;
        match probe(&cluster, &groups).await {
            Ok(report) => warnings.extend(report.warnings),
            Err(error) => {
                let Some(warning) = error.left_to_envoys() else {
                    return Err(bad_request(error));
                };
                warnings.push(warning);
                left_to_envoys = Some(error);
            }
        }
    }
    state.store.add_cluster(&cluster, false).await?;
    let name = cluster.name.as_str();
    let clock = || state.clock.now();
    if check {
        let mut asked = state
            .store
            .check_cluster(name, ENVOY_PATIENCE, clock)
            .await?;
        if let Some(failure) = asked.take_failure(left_to_envoys.is_some()) {
            state.store.undo_cluster(&cluster, None).await?;
            let before = left_to_envoys.map_or_else(String::new, |error| format!("{error}; "));
            return Err(bad_request(format!(
                "cluster {name} is not added: {before}{failure}"
            )));
        }
        if asked.connected == 0 {
            warnings.push(NO_ENVOY.to_owned());
        }
        warnings.extend(asked.warnings);
    } else {
        let answers = state
            .store
            .wait_for_envoys(name, ENVOY_PATIENCE, clock)
            .await?;
        warnings.extend(answers.warnings());
    }
    tracing::info!(cluster.name = %cluster.name, cluster.server = %cluster.server, "a cluster was added");
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
