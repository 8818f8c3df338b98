//! `GET /clusters/info?cluster=`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::{ClusterInfo, ClusterInfoList};
use cubegate_domain::Cluster;
use cubegate_member::{Identity, Inventory, MemberClient, ReadError};

use crate::extract::{Caller, Query};
use crate::member::Reading;
use crate::respond::{self, timestamp};
use crate::{ApiError, AppState, member};

/// What the clusters have and use.
///
/// All clusters, or one, as far as the caller may see into them. They are asked at
/// the same time, so one that is dead delays the answer by no more than its time limit.
#[utoipa::path(
    get,
    path = "/api/v1/cube/clusters/info",
    tag = "clusters",
    params(("cluster" = Option<String>, Query, description = "This one alone")),
    responses((status = 200, description = "What each cluster has and uses, as far as the caller may see it", body = ClusterInfoList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let reading = Reading::begin(&caller)?;
    let name = query.first("cluster");
    let clusters = if name.is_empty() {
        state.store.list_clusters().await?
    } else {
        vec![Arc::new(member::cluster(&state, &name).await?)]
    };
    let host = state.store.host_cluster().await?;
    let identity = member::identity(&caller);
    let read = reading
        .each(clusters, move |cluster| {
            let identity = identity.clone();
            async move {
                let inventory = inventory(&cluster, &identity).await;
                (cluster, inventory)
            }
        })
        .await;
    let items: Vec<_> = read
        .into_iter()
        .map(|(cluster, inventory)| {
            let is_member = host.as_deref() != Some(cluster.name.as_str());
            item(&cluster, is_member, inventory)
        })
        .collect();
    Ok(respond::json(&ClusterInfoList {
        total: items.len(),
        items,
    }))
}

async fn inventory(cluster: &Cluster, identity: &Identity) -> Result<Inventory, ReadError> {
    MemberClient::new(cluster, identity)?.inventory().await
}

fn item(
    cluster: &Cluster,
    is_member_cluster: bool,
    inventory: Result<Inventory, ReadError>,
) -> ClusterInfo {
    let status = match &inventory {
        Ok(_) => "normal",
        Err(error) => {
            tracing::warn!(cluster.name = %cluster.name, %error, "a cluster does not answer");
            "abnormal"
        }
    };
    let Inventory {
        nodes,
        namespaces,
        cpu,
        memory,
        storage,
        ephemeral,
        gpu,
    } = inventory.unwrap_or_default();
    ClusterInfo {
        cluster_name: cluster.name.to_string(),
        node_count: nodes,
        total_cpu: cpu.total,
        used_cpu: cpu.used,
        namespace_count: namespaces,
        total_mem: memory.total,
        used_mem: memory.used,
        total_storage: storage.total,
        used_storage: storage.used,
        total_storage_ephemeral: ephemeral.total,
        used_storage_ephemeral: ephemeral.used,
        total_gpu: gpu.total,
        used_gpu: gpu.used,
        is_member_cluster,
        create_time: timestamp(cluster.created_at),
        kube_api_server: cluster.server.to_string(),
        status: status.to_owned(),
        ..ClusterInfo::default()
    }
}
