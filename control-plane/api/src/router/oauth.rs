//! KubeSphere's paths of tokens.

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use crate::routes::oauth::{
    authenticate, authorize, discovery, keys, logout, revoke, token, userinfo,
};
use crate::{AppState, respond};

/// The paths, each with and without a slash at the end, as KubeSphere takes them.
pub(super) fn routes() -> Router<AppState> {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;

    Table(Router::new())
        .on(POST, "/oauth/token", token::handler)
        .on(POST, "/oauth/revoke", revoke::handler)
        .on(POST, "/oauth/authenticate", authenticate::handler)
        .on(GET, "/oauth/userinfo", userinfo::handler)
        .on(GET, "/oauth/logout", logout::handler)
        .on(GET.or(POST), "/oauth/authorize", authorize::handler)
        .on(GET, "/oauth/keys", keys::handler)
        .on(GET, "/.well-known/openid-configuration", discovery::handler)
        .0
        .route("/oauth", axum::routing::any(not_found))
        .route("/oauth/", axum::routing::any(not_found))
        .route("/oauth/{*rest}", axum::routing::any(not_found))
        .layer(middleware::map_response(no_store))
}

struct Table(Router<AppState>);

// === impl Table ===

impl Table {
    /// Adds an operation. HEAD is none: the GET of a logout changes something.
    fn on<H, T>(self, method: MethodFilter, path: &str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let operation = on(method, handler)
            .on(MethodFilter::HEAD, method_not_allowed)
            .fallback(method_not_allowed);
        Self(
            self.0
                .route(path, operation.clone())
                .route(&format!("{path}/"), operation),
        )
    }
}

async fn not_found() -> Response {
    respond::text(StatusCode::NOT_FOUND, "404: Page Not Found")
}

async fn method_not_allowed() -> Response {
    respond::text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed")
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
