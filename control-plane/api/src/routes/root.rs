//! `GET /`, which is for people and no call of the API.

use axum::response::{IntoResponse as _, Redirect, Response};

/// Where the console is.
const CONSOLE: &str = "/console/";

/// What this is. Leads to the console.
pub(crate) async fn handler() -> Response {
    let words = "Cubegate: one token and one URL for all your Kubernetes clusters. The console is under /console/, the API under /api/v1/cube.\n";
    let (parts, _) = Redirect::to(CONSOLE).into_response().into_parts();
    (parts.status, parts.headers, words).into_response()
}
