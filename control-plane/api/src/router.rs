//! The URL table.

mod cube;
mod log;
mod nul;
mod oauth;
mod parameters;
mod slash;
mod sphere;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::routes::{
    audit as audit_route, cluster, health, key, login, logout, not_found, openapi, root,
};
use crate::{AppState, audit, cookie, peer};

/// What every KubeCube path begins with.
const PREFIX: &str = "/api/v1/cube";

/// What the paths of KubeCube's warden begin with.
const WARDEN: &str = "/api/v1/warden";

/// Longest body taken, in bytes. A kubeconfig with its certificates has some 10 KiB.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The whole API. Whoever serves it should do so with
/// `into_make_service_with_connect_info::<Peer>()` ([`Peer`](crate::Peer)): of a peer that
/// is not known, or is no Envoy, nothing is believed about clients.
pub fn router(state: AppState) -> Router {
    let cube = cube_table()
        .router
        .merge(audit_table().router)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            parameters::refuse_unknown,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), cookie::renew))
        .layer(middleware::map_response(no_store));

    open_table()
        .router
        .merge(cube)
        .merge(oauth::routes())
        .merge(sphere::routes())
        .fallback(not_found::handler)
        .method_not_allowed_fallback(not_found::method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(nul::refuse))
        .layer(middleware::from_fn_with_state(state.clone(), audit::record))
        .layer(middleware::from_fn(log::one_line))
        .layer(middleware::from_fn(peer::sift))
        .with_state(state)
}

/// Every operation of the API.
#[cfg(test)]
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = open_table().operations;
    operations.extend(audit_table().operations);
    operations.extend(cube_table().operations);
    operations.extend(oauth::operations());
    operations.extend(sphere::operations());
    operations
}

/// For everybody, without a credential.
fn open_table() -> Table {
    Table::new("")
        .exactly("/", root::handler)
        .exactly("/openapi.json", openapi::handler)
        .exactly("/healthz", health::healthz)
        .exactly("/livez", health::livez)
        .exactly("/readyz", health::readyz)
}

/// For administrators.
fn audit_table() -> Table {
    Table::new("").exactly("/api/v1/cube/audit", audit_route::handler)
}

/// KubeCube's paths and those of the same form.
fn cube_table() -> Table {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const DELETE: MethodFilter = MethodFilter::DELETE;

    cube::routes(Table::new(PREFIX))
        // Open.
        .on(POST, "/login", login::handler)
        .on(POST, "/logout", logout::handler)
        .on(GET, "/key/token", key::token::handler)
        .on(POST, "/key/token", key::token::post_handler)
        // For every user, about the own keys. Creation is GET in KubeCube 1.0 and
        // POST from 1.2 on.
        .on(GET, "/key/create", key::create::handler)
        .on(POST, "/key/create", key::create::handler)
        .on(GET, "/key", key::list::handler)
        .on(DELETE, "/key", key::delete::handler)
        .on(PUT, "/key", key::update::handler)
        .on(POST, "/key/rotate", key::rotate::handler)
        // For administrators.
        .on(GET, "/clusters", cluster::list::handler)
        .on(POST, "/clusters", cluster::add::handler)
        .on(DELETE, "/clusters/{name}", cluster::remove::handler)
        .merge(cube::warden(Table::new(WARDEN)))
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

    /// Adds a GET without a redirect.
    fn exactly<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let path = format!("{}{path}", self.prefix);
        self.router = self.router.route(&path, on(MethodFilter::GET, handler));
        let method = method_name(MethodFilter::GET);
        self.operations.push(Operation { path, method });
        self
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

    /// Adds an operation of every method.
    fn every<H, T>(self, path: &str, handler: &H) -> Self
    where
        H: Handler<T, AppState> + Clone,
        T: 'static,
    {
        METHODS.into_iter().fold(self, |table, method| {
            table.on(method, path, handler.clone())
        })
    }

    /// Takes another part in.
    fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }
}

/// The methods of operations.
const METHODS: [MethodFilter; 5] = [
    MethodFilter::GET,
    MethodFilter::POST,
    MethodFilter::PUT,
    MethodFilter::PATCH,
    MethodFilter::DELETE,
];

/// The table has no other methods.
fn method_name(method: MethodFilter) -> &'static str {
    match method {
        MethodFilter::GET => "GET",
        MethodFilter::POST => "POST",
        MethodFilter::PUT => "PUT",
        MethodFilter::PATCH => "PATCH",
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
