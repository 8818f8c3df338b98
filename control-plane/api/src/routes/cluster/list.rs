//! `GET /clusters`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{ClusterEnvoys, ClusterItem, ClusterList, EnvoyRefusal};
use cubegate_store::EnvoyAnswers;

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
    let revision = state.store.revision().await?;
    let envoys = state.store.list_envoys(state.clock.now()).await?;
    let items: Vec<_> = state
        .store
        .list_clusters()
        .await?
        .into_iter()
        .map(|cluster| {
            let name = cluster.name.to_string();
            let answers = EnvoyAnswers::of(&name, revision, envoys.clone());
            ClusterItem {
                server: cluster.server.to_string(),
                created_at: timestamp(cluster.created_at),
                envoys: ClusterEnvoys {
                    connected: answers.connected,
                    waiting: answers.waiting.len(),
                    refused: answers
                        .refused
                        .into_iter()
                        .map(|(envoy, reason)| EnvoyRefusal { envoy, reason })
                        .collect(),
                },
                name,
            }
        })
        .collect();
    Ok(respond::json(&ClusterList {
        total: items.len(),
        items,
    }))
}
