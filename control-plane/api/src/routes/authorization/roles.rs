//! `GET /authorization/roles?namespace=` and `GET /authorization/clusterroles?level=`

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::extract::{Caller, Query};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// The label that says on which level a cluster role of KubeCube is.
const LEVEL_LABEL: &str = "kubecube.io/role";

/// Roles of the host cluster.
///
/// Those that the caller may list.
#[utoipa::path(
    get,
    path = "/api/v1/cube/authorization/roles",
    tag = "authorization",
    params(("namespace" = Option<String>, Query, description = "Of this namespace alone")),
    responses((status = 200, description = "The roles as the API server has them, and how many there are", body = serde_json::Value, example = json!({ "total": 1, "items": [{ "metadata": { "name": "client", "namespace": "web" }, "rules": [] }] }))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn roles(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let namespace = query.first("namespace");
    let namespace = Some(namespace.as_str()).filter(|name| !name.is_empty());
    let _reading = Reading::begin(&caller)?;
    let client = member::host_client(&state, &member::identity(&caller)).await?;
    Ok(counted(client.roles(namespace).await?))
}

/// Cluster roles of the host cluster.
///
/// Those that the caller may list.
#[utoipa::path(
    get,
    path = "/api/v1/cube/authorization/clusterroles",
    tag = "authorization",
    params(("level" = Option<String>, Query, description = "Of this level alone")),
    responses((status = 200, description = "The cluster roles as the API server has them, and how many there are", body = serde_json::Value, example = json!({ "total": 1, "items": [{ "metadata": { "name": "tenant-admin" }, "rules": [] }] }))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn cluster_roles(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let level = query.first("level");
    let label = Some((LEVEL_LABEL, level.as_str())).filter(|_| !level.is_empty());
    let _reading = Reading::begin(&caller)?;
    let client = member::host_client(&state, &member::identity(&caller)).await?;
    Ok(counted(client.cluster_roles(label).await?))
}

fn counted(mut list: Value) -> Response {
    let items = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    respond::json(&json!({ "total": items.len(), "items": items }))
}
