//! The console: pages under `/console/`, which the control plane serves through Envoy.
//!
//! ```text
//! browser ──Envoy──> page ──in process──> the HTTP API      login, keys, users, audit, …
//!                      └──listener of that Envoy──> member   lists and objects
//! ```
//!
//! A page holds no right of its own: it asks the HTTP API and the gateway with the cookie
//! that its browser has sent, as any client would, and shows what they answer. So what
//! somebody may do, what is recorded and how often it may be tried is decided where it is
//! for everybody else. Pages are whole without JavaScript; `assets/console.js` adds copying,
//! local times and search while one types.
//!
//! What this crate deliberately does not do: it keeps no session and no state, knows no
//! database, and decides nothing about anybody's rights.

#![allow(
    clippy::needless_pass_by_value,
    reason = "markup, answers and fields are made for whoever takes them"
)]

mod ask;
mod assets;
mod curl;
mod form;
mod headers;
mod language;
mod later;
mod layout;
mod link;
mod listing;
mod pages;
mod paging;
mod parts;
mod session;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use cubegate_filter_config::Resources;
use tower::util::BoxCloneSyncService;

pub use self::ask::{GatewayError, Reader};

/// Where the pages are.
pub const ROOT: &str = "/console/";

/// The gateway as its clients reach it: takes a request with its credential and the peer
/// that asks (`ConnectInfo<Peer>`), through whose Envoy it goes; and the [`Reader`] for whom it
/// is, where that is known.
pub type Gateway = BoxCloneSyncService<Request<Body>, Response<Body>, GatewayError>;

/// What the pages are made of; cheap to clone.
#[derive(Clone)]
pub struct Console {
    /// The whole HTTP API.
    pub api: Router,
    /// What reaches member clusters.
    pub gateway: Gateway,
    /// What the clusters have.
    pub clusters: Arc<dyn Clusters>,
    /// Proves that a form is of a page of ours; the same in all control planes of a
    /// database.
    pub form_key: Arc<[u8]>,
    /// The gateway's URL as its clients know it, without a slash at the end.
    pub public_url: Arc<str>,
    /// Whether browsers reach it in clear: cookies are set without `Secure` then.
    pub plain_http: bool,
}

/// The registered clusters and what their discovery says.
pub trait Clusters: Send + Sync {
    /// Returns the resources of each cluster by its name; none of one that never answered.
    fn resources(&self) -> std::collections::BTreeMap<String, Arc<Resources>>;
}

/// Returns the pages, with what lies around them.
pub fn router(console: Console) -> Router {
    pages::router()
        .layer(axum::middleware::from_fn_with_state(
            console.clone(),
            ask::hand_on,
        ))
        .merge(assets::router())
        .layer(axum::middleware::from_fn(headers::set))
        .with_state(console)
}
