//! `/extend/clusters/{cluster}/namespaces/{namespace}/{type}`: what KubeCube makes of
//! several objects at once. It is not served; what is wrong with a request is said all
//! the same, in KubeCube's words.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Method;
use serde::Deserialize;

use crate::extract::Caller;
use crate::router::Endpoints;
use crate::{ApiError, AppState};

/// The paths, of many objects and of one.
const PATHS: [&str; 2] = [
    "/api/v1/cube/extend/clusters/{cluster}/namespaces/{namespace}/{resource}",
    "/api/v1/cube/extend/clusters/{cluster}/namespaces/{namespace}/{resource}/{name}",
];

/// The methods that are answered.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Types that are read.
const READ: [&str; 7] = [
    "deployments",
    "pods",
    "jobs",
    "cronjobs",
    "pvcworkloads",
    "externalAccessAddress",
    "logs",
];

/// The type that is also written.
const READ_AND_WRITTEN: &str = "externalAccess";

/// They are no operations, so that nobody is told of them and nothing is recorded of them
/// but who was refused.
pub(super) fn endpoints() -> Endpoints {
    PATHS
        .into_iter()
        .fold(Endpoints::kubecube(), |table, path| {
            table.add_hidden(path, &METHODS, handler)
        })
}

/// What of the path matters.
#[derive(Deserialize)]
struct Target {
    cluster: String,
    resource: String,
}

/// 404 for what KubeCube would answer.
async fn handler(
    State(state): State<AppState>,
    _caller: Caller,
    method: Method,
    target: Result<Path<Target>, PathRejection>,
) -> ApiError {
    let Ok(Path(Target { cluster, resource })) = target else {
        return ApiError::PageNotFound;
    };
    match state.store.get_cluster(&cluster).await {
        Ok(Some(_)) => {}
        Ok(None) => return ApiError::ClusterNotFound(cluster),
        Err(error) => return error.into(),
    }
    let writes = resource == READ_AND_WRITTEN;
    if !writes && !READ.contains(&resource.as_str()) {
        ApiError::ResourceType
    } else if method != Method::GET && !(writes && method == Method::POST) {
        ApiError::HttpMethod
    } else {
        ApiError::PageNotFound
    }
}
