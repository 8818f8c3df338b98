//! KubeSphere's way to tokens: OAuth 2.0 (RFC 6749) and what belongs to it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use utoipa_axum::routes;

use crate::audit::Audit;
use crate::respond;
use crate::router::Endpoints;

mod authenticate;
mod authorize;
mod client;
mod discovery;
mod exchange;
mod form;
mod keys;
mod logout;
mod revoke;
mod token;
mod userinfo;

/// None of these answers is kept in a cache.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::kubesphere()
        .add(routes!(token::handler), Audit::login("create", "tokens"))
        .add(routes!(revoke::handler), Audit::change("delete", "tokens"))
        .add(
            routes!(authenticate::handler),
            Audit::refusals("create", "tokenreviews"),
        )
        .add(routes!(userinfo::handler), Audit::refusals("get", "oauth"))
        .add(
            routes!(logout::handler),
            Audit::change("logout", "sessions"),
        )
        .add(routes!(authorize::handler), Audit::refusals("get", "oauth"))
        .add(routes!(keys::handler), Audit::NOTHING)
        .add(routes!(discovery::handler), Audit::NOTHING)
        .map(|router| {
            router
                .route("/oauth", any(not_found))
                .route("/oauth/", any(not_found))
                .route("/oauth/{*rest}", any(not_found))
                .layer(middleware::map_response(no_store))
        })
}

async fn not_found() -> Response {
    respond::text(StatusCode::NOT_FOUND, "404: Page Not Found")
}

/// RFC 6749 5.1, for all of it.
async fn no_store(response: Response) -> Response {
    (
        [
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::PRAGMA, HeaderValue::from_static("no-cache")),
        ],
        response,
    )
        .into_response()
}
