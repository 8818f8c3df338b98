//! `GET /user/kubeconfigs?user=&session=`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_api_types::cube::message;
use cubegate_domain::{AccessKey, User, UserState};
use cubegate_store::{KubeconfigMaker, Login, LoginKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::extract::{ClientIp, Query, WritingCaller, user_agent};
use crate::{ApiError, AppState, PublicGateway, respond};

/// A kubeconfig that leads to every cluster through the gateway.
///
/// A kubeconfig with one context for each cluster, all through the gateway, as a
/// JSON string of its base64 form. Each context has a token for its cluster alone, which ends
/// after a while and whenever the user's tokens do, or those of the access key whose token
/// asked for it; KubeCube's is valid for ten years and for anybody. All of them are of one
/// session of the kind `kubeconfig`, which is listed and ended with the user's others; with
/// `session` the kubeconfig is made again under that one, and the tokens of before last as
/// long as they did. It gives
/// credentials away, so it counts as a write. The current context is the host cluster's.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user/kubeconfigs",
    tag = "users",
    params(
        ("user" = Option<String>, Query, description = "The caller when absent"),
        ("session" = Option<String>, Query, description = "A kubeconfig of this user that is made again")
    ),
    responses((status = 200, description = "A kubeconfig in base64, with a context for each cluster", body = String, content_type = "application/json", example = json!("eyJhcGlWZXJzaW9uIjoidjEiLCJraW5kIjoiQ29uZmlnIn0="))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    ClientIp(address): ClientIp,
    headers: HeaderMap,
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
    let kubeconfig = Kubeconfig {
        session: Some(query.first("session")).filter(|session| !session.is_empty()),
        maker: caller.key.as_ref(),
        address: address.map(|address| address.to_string()),
        user_agent: user_agent(&headers),
    };
    let tokens = kubeconfig.tokens(&state, &user, &clusters).await?;
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

/// A kubeconfig that is asked for.
struct Kubeconfig<'a> {
    /// The one that is made again, if it is none that is new.
    session: Option<String>,
    maker: Option<&'a AccessKey>,
    address: Option<String>,
    user_agent: String,
}

impl Kubeconfig<'_> {
    /// Makes a token for each cluster, and keeps the session that they are of.
    async fn tokens(
        self,
        state: &AppState,
        user: &User,
        clusters: &[String],
    ) -> Result<Vec<(String, String)>, ApiError> {
        let Self {
            session: former,
            maker,
            address,
            user_agent,
        } = self;
        let (lifetime, now) = (state.public.kubeconfig_lifetime, state.clock.now());
        let new = || Uuid::new_v4().simple().to_string();
        let session = former.clone().unwrap_or_else(new);
        let mut ends_at = now + lifetime;
        if let Some(end) = maker.and_then(|key| key.attributes.expires_at) {
            ends_at = ends_at.min(end);
        }
        let by = maker.map(|key| KubeconfigMaker {
            access_key: &key.access_key,
            key_epoch: key.token_epoch,
        });
        // Kept first: a token that is of no session that is known could not be ended.
        if let Some(session) = former {
            let store = &state.store;
            if !store
                .renew_kubeconfig(&user.name, &session, by, ends_at)
                .await?
            {
                let detail = format!("user {} has no kubeconfig {session}.", user.name);
                return Err(ApiError::BadRequest(message::bad_request(&detail)));
            }
        } else {
            let login = Login {
                session: session.clone(),
                kind: LoginKind::Kubeconfig,
                began_at: now,
                ends_at,
                address,
                user_agent,
            };
            state.store.note_kubeconfig(&user.name, &login, by).await?;
        }
        let token = |cluster: &String| {
            let issuer = &state.issuer;
            let issued = issuer.issue_for_cluster(user, cluster, &session, maker, lifetime, now)?;
            Ok((cluster.clone(), issued.token))
        };
        clusters.iter().map(token).collect()
    }
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
