//! `POST /clusters`

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{AddClusterRequest, ClusterAdded, Success};

use super::submitted::{Submitted, bad_request, free_name};
use crate::audit::Note;
use crate::extract::{Admin, RawBody, WritingCaller};
use crate::{ApiError, AppState, respond};

/// How long connected Envoys may take to answer a new cluster.
const ENVOY_PATIENCE: Duration = Duration::from_secs(3);

/// Nobody was there who could say more.
const NO_ENVOY: &str = "no Envoy is connected, so the control plane alone has asked the API server";

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
    // Again below, atomically; here it saves the wait for the probe.
    let name = free_name(&state, &note, &request.name).await?;
    let context = request.context.as_deref();
    let submitted = Submitted::read(&state, name, &request.kubeconfig, context).await?;
    let check = request.check.unwrap_or(true);
    let mut left_to_envoys = None;
    let mut warnings = submitted.warnings.clone();
    if check {
        let answered = submitted.ask(&state).await?;
        warnings.extend(answered.warnings);
        left_to_envoys = answered.left_to_envoys;
    }
    let cluster = submitted.cluster;
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
