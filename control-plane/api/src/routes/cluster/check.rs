//! `POST /clusters/check`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{CheckClusterRequest, ClusterChecked};

use super::submitted::{Answered, Submitted, bad_request, free_name};
use crate::audit::Note;
use crate::extract::{Admin, RawBody, WritingCaller};
use crate::{ApiError, AppState, respond};

/// Stands for the name that a cluster is yet to get.
const UNNAMED: &str = "unnamed";

/// Try a cluster, for administrators.
///
/// Reads the kubeconfig and asks the API server as registering the cluster would, with the
/// same refusals, and keeps nothing. Envoys are asked only when a cluster is registered.
#[utoipa::path(
    post,
    path = "/api/v1/cube/clusters/check",
    tag = "clusters",
    request_body(content = CheckClusterRequest),
    responses((status = 200, description = "The API server answers; warnings tell what may yet be wrong with it", body = ClusterChecked)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<WritingCaller>,
    note: Note,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let CheckClusterRequest {
        name,
        kubeconfig,
        context,
    } = serde_json::from_slice(&body).map_err(|_| ApiError::BodyFormatInvalid)?;
    if kubeconfig.trim().is_empty() {
        return Err(ApiError::ParamMissing("kubeconfig"));
    }
    let name = match name.as_str() {
        "" => UNNAMED.parse().map_err(bad_request)?,
        name => free_name(&state, &note, name).await?,
    };
    let submitted = Submitted::read(&state, name, &kubeconfig, context.as_deref()).await?;
    let Answered {
        version, warnings, ..
    } = submitted.ask(&state).await?;
    let Submitted {
        cluster,
        contexts,
        warnings: before,
    } = submitted;
    Ok(respond::json(&ClusterChecked {
        server: cluster.server.to_string(),
        version,
        warnings: [before, warnings].concat(),
        contexts,
    }))
}
