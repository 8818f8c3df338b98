//! `GET /clusters`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::ClusterList;
use cubegate_store::EnvoyAnswers;

use crate::extract::{Admin, Caller};
use crate::{ApiError, AppState, respond, views};

/// The registered clusters, for administrators.
///
/// Names, servers and how they are; credentials never leave the store this way.
#[utoipa::path(
    get,
    path = "/api/v1/cube/clusters",
    tag = "clusters",
    responses((status = 200, description = "The clusters by name, each with how it is and what Envoys make of it", body = ClusterList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
) -> Result<Response, ApiError> {
    let revision = state.store.revision().await?;
    let envoys = state.store.list_envoys(state.clock.now()).await?;
    let host = state.store.host_cluster().await?;
    let clusters = state.store.list_clusters().await?;
    let states = state.clusters.borrow().clone();
    let items: Vec<_> = clusters
        .iter()
        .map(|cluster| {
            let name = cluster.name.as_str();
            let answers = EnvoyAnswers::of(name, revision, envoys.clone());
            views::cluster(
                cluster,
                host.as_deref() == Some(name),
                states.get(name),
                answers,
            )
        })
        .collect();
    Ok(respond::json(&ClusterList {
        total: items.len(),
        items,
    }))
}
