//! `GET /kapis/version` and `/version`

use axum::http::StatusCode;
use axum::response::Response;
use cubegate_api_types::kubesphere::Version;

use crate::respond;

/// Which version this is.
///
/// In KubeSphere's words; for everybody.
#[utoipa::path(
    get,
    path = "/kapis/version",
    tag = "process",
    responses((status = 200, description = "The gateway's version", body = Version))
)]
pub(crate) async fn handler() -> Response {
    let unknown = || "unknown".to_owned();
    let version = Version {
        git_version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
        git_major: env!("CARGO_PKG_VERSION_MAJOR").to_owned(),
        git_minor: env!("CARGO_PKG_VERSION_MINOR").to_owned(),
        git_commit: unknown(),
        git_tree_state: unknown(),
        build_date: unknown(),
        go_version: unknown(),
        compiler: "rustc".to_owned(),
        platform: format!("{}/{}", std::env::consts::OS, architecture()),
    };
    respond::plain_json(StatusCode::OK, &version)
}

/// Which version this is; with a credential, that of the host cluster.
///
/// With a credential the filter asks the host cluster,
/// as Kubernetes' clients want it.
#[utoipa::path(
    get,
    path = "/version",
    tag = "process",
    responses((status = 200, description = "The gateway's version, or the host cluster's", body = Version))
)]
pub(crate) async fn short() -> Response {
    handler().await
}

/// The architecture in Go's words, as clients know them.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
