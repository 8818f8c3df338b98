//! `GET /clusters/resources?cluster=`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::ClusterResources;
use cubegate_member::MemberClient;

use crate::extract::{Caller, Query};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// What a cluster has and what its pods ask for.
///
/// As far as the caller may see it.
#[utoipa::path(
    get,
    path = "/api/v1/cube/clusters/resources",
    tag = "clusters",
    params(("cluster" = Option<String>, Query, description = "The cluster")),
    responses((status = 200, description = "What the cluster has, and what its pods ask for", body = ClusterResources)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let _reading = Reading::begin(&caller)?;
    let cluster = member::cluster(&state, &query.first("cluster")).await?;
    let client = MemberClient::new(&cluster, &member::identity(&caller))?;
    let assigned = client.assigned().await?;
    Ok(respond::json(&ClusterResources {
        capacity_cpu: assigned.cpu.total,
        assigned_cpu: assigned.cpu.used,
        capacity_mem: format!("{}Mi", assigned.memory.total),
        assigned_mem: format!("{}Mi", assigned.memory.used),
        capacity_gpu: assigned.gpu.total,
        assigned_gpu: assigned.gpu.used,
    }))
}
