//! The URL table of the console; each noun has a file.

mod access_key;
mod audit;
mod clusters;
mod docs;
mod envoys;
mod kubeconfig;
mod login;
mod not_found;
mod preferences;
mod resource;
mod sessions;
mod token;
mod users;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::Console;
use crate::session::Session;

pub(crate) fn router() -> Router<Console> {
    Router::new()
        .route("/console", get(first))
        .route("/console/", get(first))
        .route("/console/login", get(login::page).post(login::log_in))
        .route("/console/logout", post(login::log_out))
        .route("/console/preferences", post(preferences::choose))
        .merge(access_key::router())
        .route("/console/token", get(token::page).post(token::make))
        .route("/console/kubeconfig", post(kubeconfig::download))
        .merge(clusters::router())
        .merge(resource::router())
        .merge(sessions::router())
        .merge(users::router())
        .merge(envoys::router())
        .merge(audit::router())
        .merge(docs::router())
        .route("/console/{*path}", get(not_found::page))
}

/// The guide begins with the keys. Whoever is not logged in is led to the login at once: a first
/// visit waits for each step.
async fn first(_: Session) -> Redirect {
    Redirect::to("/console/keys")
}
