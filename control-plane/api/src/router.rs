//! What lies around the endpoints, whose table is in [`routes`].

mod endpoint;
mod log;
mod nul;
mod parameters;
mod rest;
mod slash;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;

pub(crate) use self::endpoint::{Endpoint, Endpoints};
use crate::routes::health;
use crate::routes::{self, not_found};
use crate::{AppState, audit, cookie, metrics, peer};

/// Longest body taken, in bytes. A kubeconfig with its certificates has some 10 KiB.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Returns the whole API, and beside it `pages`, of which nothing is recorded: what they ask of
/// the API is. Whoever serves it should do so with
/// `into_make_service_with_connect_info::<Peer>()` ([`Peer`](crate::Peer)): of a peer that
/// is not known, or is no Envoy, nothing is believed about clients.
pub fn router(state: AppState, pages: Router) -> Router {
    let kubecube = routes::kubecube().map(|router| {
        router
            .layer(middleware::from_fn_with_state(
                state.clone(),
                parameters::refuse_unknown,
            ))
            .layer(middleware::from_fn_with_state(state.clone(), cookie::renew))
            .layer(middleware::map_response(no_store))
    });
    let (router, rows) = routes::others().merge(kubecube).into_parts();
    router
        .merge(pages.with_state(()))
        .fallback(not_found::handler)
        .method_not_allowed_fallback(not_found::method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(nul::refuse))
        .layer(middleware::from_fn_with_state(state.clone(), audit::record))
        .layer(middleware::from_fn_with_state(
            Arc::new(rows),
            endpoint::find,
        ))
        .layer(middleware::from_fn(log::one_line))
        .layer(middleware::from_fn_with_state(
            state.metrics.clone(),
            metrics::count,
        ))
        .layer(middleware::from_fn(rest::drop_first))
        .layer(middleware::from_fn(peer::sift))
        .with_state(state)
}

/// Returns whether the process answers and is ready, for those who ask at another port than
/// the API's.
pub fn probes(state: AppState) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .with_state(state)
}

/// Returns every endpoint, without what lies around them.
pub(crate) fn endpoints() -> Endpoints {
    routes::others().merge(routes::kubecube())
}

/// Tokens, secrets and who somebody is stay out of every cache, and so do the
/// redirects, which repeat the query.
async fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
