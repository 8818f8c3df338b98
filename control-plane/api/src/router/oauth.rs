//! KubeSphere's paths of tokens.

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use cubegate_api_types::sphere;

use super::{Operation, method_name};
use crate::routes::oauth::{
    authenticate, authorize, discovery, keys, logout, revoke, token, userinfo,
};
use crate::{AppState, respond};

/// The paths, each with and without a slash at the end, as KubeSphere takes them.
pub(super) fn routes() -> Router<AppState> {
    table()
        .router
        .route("/oauth", axum::routing::any(not_found))
        .route("/oauth/", axum::routing::any(not_found))
        .route("/oauth/{*rest}", axum::routing::any(not_found))
        .layer(middleware::map_response(no_store))
}

/// Every operation of them.
#[cfg(test)]
pub(super) fn operations() -> Vec<Operation> {
    table().operations
}

fn table() -> Table {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;

    Table::default()
        .on(&[POST], "/oauth/token", &token::handler)
        .on(&[POST], "/oauth/revoke", &revoke::handler)
        .on(&[POST], "/oauth/authenticate", &authenticate::handler)
        .on(&[GET], "/oauth/userinfo", &userinfo::handler)
        .on(&[GET], "/oauth/logout", &logout::handler)
        .on(&[GET, POST], "/oauth/authorize", &authorize::handler)
        .on(&[GET], "/oauth/keys", &keys::handler)
        .on(
            &[GET],
            "/.well-known/openid-configuration",
            &discovery::handler,
        )
}

/// Builds a part of KubeSphere's paths, and keeps a list of it.
#[derive(Default)]
pub(super) struct Table {
    pub(super) router: Router<AppState>,
    pub(super) operations: Vec<Operation>,
}

// === impl Table ===

impl Table {
    /// Adds an operation. HEAD is none: the GET of a logout changes something.
    pub(super) fn on<H, T>(mut self, methods: &[MethodFilter], path: &str, handler: &H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let mut operation = on(MethodFilter::HEAD, method_not_allowed);
        for method in methods {
            operation = operation.on(*method, handler.clone());
            self.operations.push(Operation {
                path: path.to_owned(),
                method: method_name(*method),
            });
        }
        let operation = operation.fallback(method_not_allowed);
        self.router = self
            .router
            .route(path, operation.clone())
            .route(&format!("{path}/"), operation);
        self
    }
}

async fn not_found() -> Response {
    respond::text(StatusCode::NOT_FOUND, "404: Page Not Found")
}

async fn method_not_allowed() -> Response {
    respond::text(StatusCode::METHOD_NOT_ALLOWED, sphere::METHOD_NOT_ALLOWED)
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
