//! `/extend/clusters/{cluster}/namespaces/{namespace}/{type}`: what KubeCube makes of
//! several objects at once. It is not served; what is wrong with a request is said all
//! the same, in KubeCube's words.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Method;
use serde::Deserialize;

use crate::extract::Caller;
use crate::{ApiError, AppState};

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

/// What of the path matters.
#[derive(Deserialize)]
pub(crate) struct Target {
    cluster: String,
    resource: String,
}

/// 404 for what KubeCube would answer.
pub(crate) async fn handler(
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
