//! `GET /clusters`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{ClusterItem, ClusterList};

use crate::extract::{Admin, Caller};
use crate::respond::{self, timestamp};
use crate::{ApiError, AppState};

/// Names and servers; credentials never leave the store this way.
#[utoipa::path(
    get,
    path = "/api/v1/cube/clusters",
    tag = "clusters",
    summary = "The registered clusters, for administrators",
    responses((status = 200, description = "It is done", body = ClusterList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
) -> Result<Response, ApiError> {
    let items: Vec<_> = state
        .store
        .list_clusters()
        .await?
        .into_iter()
        .map(|cluster| ClusterItem {
            name: cluster.name.to_string(),
            server: cluster.server.to_string(),
            created_at: timestamp(cluster.created_at),
        })
        .collect();
    Ok(respond::json(&ClusterList {
        total: items.len(),
        items,
    }))
}
