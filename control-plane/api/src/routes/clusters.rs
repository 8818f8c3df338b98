//! `GET /kapis/resources.kubesphere.io/v1alpha3/clusters`: the registered clusters in
//! KubeSphere's form. The filter sends it here unless the host cluster is a KubeSphere, whose
//! own clusters are then listed.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::kubesphere::{
    Cluster, ClusterCondition, ClusterConnection, ClusterMetadata, ClusterPage, ClusterSpec,
    ClusterStatus,
};
use cubegate_list::kubesphere;
use cubegate_store::EnvoyAnswers;

use crate::error::KubeSphereError;
use crate::extract::Reaching;
use crate::respond::{self, timestamp};
use crate::{AppState, ClusterStatus as Looked};

/// The plural name, by which the list engine knows the kind's filters.
const PLURAL: &str = "clusters";

const KIND: &str = "Cluster";

/// The registered clusters, in KubeSphere's form.
///
/// Those that the caller's token is for; a bounded key's token is good here. Any other
/// parameter that is a filter of KubeSphere's counts, too. Unless the host cluster has
/// clusters of the group `cluster.kubesphere.io`, which are listed in their place.
#[utoipa::path(
    get,
    path = "/kapis/resources.kubesphere.io/v1alpha3/clusters",
    tag = "clusters",
    params(("name" = Option<String>, Query, description = "A part of the name"), ("labelSelector" = Option<String>, Query, description = "As in Kubernetes"), ("sortBy" = Option<String>, Query, description = "`name` or `creationTimestamp`, the default"), ("ascending" = Option<bool>, Query, description = "`false` when absent"), ("limit" = Option<i64>, Query, description = "All when absent"), ("page" = Option<i64>, Query, description = "1 when absent")),
    responses((status = 200, description = "A page of the clusters, and how many there are on all pages", body = ClusterPage),
        (status = 401, description = "No token, or one that stands for nobody; a Kubernetes `Status`"),
        (status = "default", description = "The call is refused, in plain text"),
    ),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Reaching,
    uri: Uri,
) -> Result<Response, KubeSphereError> {
    let query = kubesphere::parse(PLURAL, uri.query().unwrap_or_default(), &[]).query?;
    let page = respond::page_of(query, &clusters(&state, &caller).await?)?;
    let content_type = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, content_type)], page).into_response())
}

/// A registered cluster, in KubeSphere's form.
///
/// If the caller's token is for it.
#[utoipa::path(
    get,
    path = "/kapis/resources.kubesphere.io/v1alpha3/clusters/{name}",
    tag = "clusters",
    params(("name" = String, Path, description = "The cluster")),
    responses((status = 200, description = "The cluster", body = Cluster),
        (status = 401, description = "No token, or one that stands for nobody; a Kubernetes `Status`"),
        (status = "default", description = "The call is refused, in plain text"),
    ),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Reaching,
    Path(name): Path<String>,
) -> Result<Response, KubeSphereError> {
    let mut clusters = clusters(&state, &caller).await?.into_iter();
    let cluster = clusters.find(|cluster| cluster.metadata.name == name);
    let cluster = cluster.ok_or(KubeSphereError::NotFound { kind: KIND, name })?;
    Ok(respond::plain_json(StatusCode::OK, &cluster))
}

/// Returns those that the caller's token is for.
async fn clusters(state: &AppState, caller: &Reaching) -> Result<Vec<Cluster>, KubeSphereError> {
    let revision = state.store.revision().await?;
    let envoys = state.store.list_envoys(state.clock.now()).await?;
    let host = state.store.host_cluster().await?;
    let clusters = state.store.list_clusters().await?;
    let states = state.clusters.borrow().clone();
    let reached = clusters
        .into_iter()
        .filter(|cluster| caller.reaches(cluster.name.as_str()));
    let described = reached.map(|cluster| {
        let name = cluster.name.to_string();
        let role = match host.as_ref() == Some(&name) {
            true => "cluster-role.kubesphere.io/host",
            false => "cluster-role.kubesphere.io/member",
        };
        Cluster {
            kind: KIND.to_owned(),
            api_version: "cluster.kubesphere.io/v1alpha1".to_owned(),
            status: status(
                &EnvoyAnswers::of(&name, revision, envoys.clone()),
                states
                    .get(&name)
                    .map_or(Looked::Unknown, |state| state.status),
            ),
            metadata: ClusterMetadata {
                name,
                labels: BTreeMap::from([(role.to_owned(), String::new())]),
                creation_timestamp: timestamp(cluster.created_at),
            },
            spec: ClusterSpec {
                enable: true,
                connection: ClusterConnection {
                    r#type: "direct".to_owned(),
                    kubernetes_api_endpoint: cluster.server.to_string(),
                },
            },
        }
    });
    Ok(described.collect())
}

/// What the last look at a cluster has found: a list asks none. Why one is of no use is told to
/// administrators.
fn status(envoys: &EnvoyAnswers, looked: Looked) -> ClusterStatus {
    let condition = |of: &str, status: &str, reason: &str, message: &str| ClusterCondition {
        r#type: of.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    let ready = |status, reason, message| condition("Ready", status, reason, message);
    let ready = match (envoys.refused.is_empty(), looked) {
        (false, _) => ready(
            "False",
            "EnvoyRefuses",
            "An Envoy of the gateway refuses the cluster; an administrator sees why in /api/v1/cube/clusters.",
        ),
        (true, Looked::Abnormal) => ready(
            "False",
            "Abnormal",
            "The gateway could not use the cluster when it last looked; an administrator sees why in /api/v1/cube/clusters.",
        ),
        (true, Looked::Normal) => ready(
            "True",
            "Normal",
            "The cluster has answered the gateway and takes its credential.",
        ),
        (true, Looked::Unknown) => ready(
            "Unknown",
            "NotLookedAt",
            "The gateway has not looked at the cluster yet; ask it, or see /api/v1/cube/clusters/info.",
        ),
    };
    let registered = "The cluster is registered at the gateway.";
    ClusterStatus {
        conditions: vec![
            condition("Initialized", "True", "Registered", registered),
            ready,
        ],
    }
}
