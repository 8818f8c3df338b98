//! `GET /clusters/namespaces?namespace=`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::ClusterNames;
use cubegate_member::MemberClient;

use crate::extract::{Caller, Query};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// The clusters that have a namespace.
///
/// The clusters that have that namespace, as far as the caller may see it. One that
/// does not answer has none.
#[utoipa::path(
    get,
    path = "/api/v1/cube/clusters/namespaces",
    tag = "clusters",
    params(("namespace" = Option<String>, Query, description = "The namespace")),
    responses((status = 200, description = "The clusters that have the namespace", body = ClusterNames)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let namespace = query.first("namespace");
    if namespace.is_empty() {
        return Err(ApiError::ParamMissing("namespace"));
    }
    let reading = Reading::begin(&caller)?;
    let identity = member::identity(&caller);
    let found = reading
        .each(state.store.list_clusters().await?, move |cluster| {
            let (identity, namespace) = (identity.clone(), namespace.clone());
            async move {
                let has = match MemberClient::new(&cluster, &identity) {
                    Ok(client) => client.has_namespace(&namespace).await,
                    Err(error) => Err(error),
                };
                let has = has.unwrap_or_else(|error| {
                tracing::warn!(cluster.name = %cluster.name, %error, "a cluster does not answer");
                false
            });
                has.then(|| cluster.name.to_string())
            }
        })
        .await;
    let items: Vec<_> = found.into_iter().flatten().collect();
    Ok(respond::json(&ClusterNames {
        total: items.len(),
        items,
    }))
}
