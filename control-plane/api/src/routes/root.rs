//! `GET /`

/// What this is. The console will be here.
#[utoipa::path(
    get,
    path = "/",
    tag = "process",
    responses((status = 200, description = "What this is, and where to begin", body = String, example = json!("Cubegate: one token and one URL for all your Kubernetes clusters. …")))
)]
pub(crate) async fn handler() -> &'static str {
    "Cubegate: one token and one URL for all your Kubernetes clusters. The API is under /api/v1/cube.\n\
     Documentation: README.md and docs/ of the project; begin with POST /api/v1/cube/login or GET /api/v1/cube/key/token.\n"
}
