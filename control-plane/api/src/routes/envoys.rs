//! `GET /envoys`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::EnvoyList;

use crate::extract::{Admin, Caller};
use crate::{ApiError, AppState, respond, views};

/// The connected Envoys, for administrators.
///
/// Lists the Envoys that are connected to any control plane of the database.
#[utoipa::path(
    get,
    path = "/api/v1/cube/envoys",
    tag = "envoys",
    responses((
        status = 200,
        description = "The Envoys by name, each with what it has accepted and refuses",
        body = EnvoyList,
        example = json!({
            "items": [{
                "name": "edge-1",
                "version": "1.40.0",
                "address": "10.0.0.7:51234",
                "connectedAt": "2030-01-31T12:00:00Z",
                "upToDate": true,
                "accepted": [{
                    "kind": "Cluster", "version": "9f86d081884c7d65", "resources": 3, "at": "2030-01-31T12:00:01Z"
                }],
                "refused": [],
                "refusedTotal": 0
            }],
            "total": 1
        })
    )),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
) -> Result<Response, ApiError> {
    let revision = state.store.revision().await?;
    let items: Vec<_> = state
        .store
        .list_envoys(state.clock.now())
        .await?
        .into_iter()
        .map(|envoy| views::envoy(envoy, revision))
        .collect();
    Ok(respond::json(&EnvoyList {
        total: items.len(),
        items,
    }))
}
