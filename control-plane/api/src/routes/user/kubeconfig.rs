//! `GET /user/kubeconfigs?user=`

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::UserState;
use serde_json::{Value, json};

use crate::extract::{Query, WritingCaller};
use crate::{ApiError, AppState, PublicGateway, respond};

/// A kubeconfig that leads to every cluster through the gateway.
///
/// A kubeconfig with one context for each cluster, all through the gateway, as a
/// JSON string of its base64 form. Each context has a token for its cluster alone, which ends
/// after a while and whenever the user's tokens do, or those of the access key whose token
/// asked for it; KubeCube's is valid for ten years and for anybody. It gives
/// credentials away, so it counts as a write. The current context is the host cluster's.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/kubeconfigs",
    tag = "users",
    params(("user" = Option<String>, Query, description = "The caller when absent")),
    responses((status = 200, description = "A kubeconfig in base64, with a context for each cluster", body = String, content_type = "application/json", example = json!("eyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiQ29uZmlnIn0="))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    query: Query,
) -> Result<Response, ApiError> {
    let wanted = query.first("user");
    let name = if wanted.is_empty() {
        &caller.user.name
    } else {
        &wanted
    };
    caller.must_be(name)?;
    let user = state
        .store
        .get_user(name)
        .await?
        .ok_or(ApiError::NoSuchUser)?;
    if user.state != UserState::Normal {
        return Err(ApiError::UserDisabled);
    }
    let clusters: Vec<String> = state
        .store
        .list_clusters()
        .await?
        .into_iter()
        .map(|cluster| cluster.name.to_string())
        .collect();
    let host = state.store.host_cluster().await?;
    let host = host.filter(|host| clusters.contains(host));
    let current = host.as_ref().or(clusters.first());
    let (lifetime, now) = (state.public.kubeconfig_lifetime, state.clock.now());
    let token = |cluster: &String| {
        let (issuer, maker) = (&state.issuer, caller.key.as_ref());
        let issued = issuer.issue_for_cluster(&user, cluster, maker, lifetime, now)?;
        Ok((cluster.clone(), issued.token))
    };
    let tokens: Vec<(String, String)> = clusters
        .iter()
        .map(token)
        .collect::<Result<_, ApiError>>()?;
    tracing::info!(
        user.name,
        user.by = caller.user.name,
        "a kubeconfig was made"
    );
    let document = document(&state.public, &user.name, &tokens, current);
    // JSON is YAML, so this is what every reader of kubeconfigs takes.
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok(respond::json(&STANDARD.encode(text)))
}

/// `tokens` are those of the clusters by name.
fn document(
    gateway: &PublicGateway,
    user: &str,
    tokens: &[(String, String)],
    current: Option<&String>,
) -> Value {
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for (name, token) in tokens {
        let server = format!("{}/clusters/{name}", gateway.url);
        let cluster = match &gateway.ca_pem {
            Some(pem) => {
                json!({ "server": server, "certificate-authority-data": STANDARD.encode(pem) })
            }
            None => json!({ "server": server }),
        };
        let user = format!("{user}@{name}");
        contexts.push(json!({ "name": name, "context": { "cluster": name, "user": user } }));
        users.push(json!({ "name": user, "user": { "token": token } }));
        clusters.push(json!({ "name": name, "cluster": cluster }));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
        "current-context": current.map_or("", String::as_str),
    })
}
