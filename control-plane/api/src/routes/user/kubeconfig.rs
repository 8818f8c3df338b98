//! `GET /user/kubeconfigs?user=`

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::UserState;
use serde_json::{Value, json};

use crate::extract::{Query, Writer};
use crate::{ApiError, AppState, PublicGateway, respond};

/// A kubeconfig with one context for each cluster, all through the gateway, as a
/// JSON string of its base64 form. Its token ends after a while and whenever the
/// user's tokens do, or those of the access key whose token asked for it; KubeCube's is valid for ten years and for anybody. It gives a
/// credential away, so it counts as a write.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/kubeconfigs",
    tag = "users",
    summary = "A kubeconfig that leads to every cluster through the gateway",
    params(("user" = Option<String>, Query, description = "The caller when absent")),
    responses((status = 200, description = "A kubeconfig in base64", body = String, content_type = "application/json")),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    Writer(caller): Writer,
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
    let lifetime = state.public.kubeconfig_lifetime;
    let token = state
        .issuer
        .issue_for(&user, caller.key.as_ref(), lifetime, state.clock.now())?
        .token;
    tracing::info!(
        user.name,
        user.by = caller.user.name,
        "a kubeconfig was made"
    );
    let document = document(&state.public, &user.name, &token, &clusters);
    // JSON is YAML, so this is what every reader of kubeconfigs takes.
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok(respond::json(&STANDARD.encode(text)))
}

fn document(gateway: &PublicGateway, user: &str, token: &str, clusters: &[String]) -> Value {
    let cluster = |name: &String| {
        let server = format!("{}/clusters/{name}", gateway.url);
        let cluster = match &gateway.ca_pem {
            Some(pem) => {
                json!({ "server": server, "certificate-authority-data": STANDARD.encode(pem) })
            }
            None => json!({ "server": server }),
        };
        json!({ "name": name, "cluster": cluster })
    };
    let context =
        |name: &String| json!({ "name": name, "context": { "cluster": name, "user": user } });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": clusters.iter().map(cluster).collect::<Vec<_>>(),
        "users": [{ "name": user, "user": { "token": token } }],
        "contexts": clusters.iter().map(context).collect::<Vec<_>>(),
        "current-context": clusters.first().map_or("", String::as_str),
    })
}
