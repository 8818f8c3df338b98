//! The URL table.

mod cube;
mod log;
mod oauth;
mod slash;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::routes::{audit as audit_route, cluster, health, key, login, not_found, root};
use crate::{AppState, audit};

/// What every KubeCube path begins with.
const PREFIX: &str = "/api/v1/cube";

/// Longest body taken, in bytes. A kubeconfig with its certificates has some 10 KiB.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The whole API. Whoever serves it should do so with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that a login from
/// beside a proxy leaves an address.
pub fn router(state: AppState) -> Router {
    let audit_log = Router::new()
        .route(
            "/api/v1/cube/audit",
            on(MethodFilter::GET, audit_route::handler),
        )
        .route(
            "/cubegate/audit",
            on(MethodFilter::GET, audit_route::handler),
        )
        .layer(middleware::map_response(no_store));
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const DELETE: MethodFilter = MethodFilter::DELETE;

    let cube = cube::routes(Table::new(PREFIX))
        // Open.
        .on(POST, "/login", login::handler)
        .on(GET, "/key/token", key::token::handler)
        .on(POST, "/key/token", key::token::post_handler)
        // For every user, about the own keys. Creation is GET in KubeCube 1.0 and
        // POST from 1.2 on.
        .on(GET, "/key/create", key::create::handler)
        .on(POST, "/key/create", key::create::handler)
        .on(GET, "/key", key::list::handler)
        .on(DELETE, "/key", key::delete::handler)
        // For administrators.
        .on(GET, "/clusters", cluster::list::handler)
        .on(POST, "/clusters", cluster::add::handler)
        .on(DELETE, "/clusters/{name}", cluster::remove::handler)
        .router
        .layer(middleware::map_response(no_store));

    Router::new()
        .route("/", on(GET, root::handler))
        .route("/healthz", on(GET, health::healthz))
        .route("/readyz", on(GET, health::readyz))
        .merge(cube)
        .merge(audit_log)
        .merge(oauth::routes())
        .fallback(not_found::handler)
        .method_not_allowed_fallback(not_found::handler)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(state.clone(), audit::record))
        .layer(middleware::from_fn(log::one_line))
        .with_state(state)
}

/// Builds a part of the API, whose paths have one beginning, and keeps a list of it.
struct Table {
    prefix: &'static str,
    router: Router<AppState>,
    operations: Vec<Operation>,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    /// The whole path, with `{name}` for what is variable.
    pub(crate) path: String,
    /// In capitals.
    pub(crate) method: &'static str,
}

// === impl Table ===

impl Table {
    fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            router: Router::new(),
            operations: Vec::new(),
        }
    }

    /// Adds an operation, and the redirect from its path with a slash at the end
    /// (or without the one that it has).
    /// HEAD is no operation of this API: answered by the GET handler, as is usual,
    /// it would create keys.
    fn on<H, T>(mut self, method: MethodFilter, path: &str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let path = format!("{}{path}", self.prefix);
        let other = match path.strip_suffix('/') {
            Some(short) => short.to_owned(),
            None => format!("{path}/"),
        };
        let operation = without_head(method, on(method, handler));
        let redirect = without_head(method, on(method, slash::redirect));
        self.router = self.router.route(&path, operation).route(&other, redirect);
        let method = method_name(method);
        self.operations.push(Operation { path, method });
        self
    }
}

/// The table has no other methods.
fn method_name(method: MethodFilter) -> &'static str {
    match method {
        MethodFilter::GET => "GET",
        MethodFilter::POST => "POST",
        MethodFilter::PUT => "PUT",
        MethodFilter::DELETE => "DELETE",
        _ => "another",
    }
}

fn without_head(method: MethodFilter, routes: MethodRouter<AppState>) -> MethodRouter<AppState> {
    if method == MethodFilter::GET {
        routes.on(MethodFilter::HEAD, not_found::handler)
    } else {
        routes
    }
}

/// Tokens, secrets and who somebody is stay out of every cache, and so do the
/// redirects, which repeat the query.
async fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
