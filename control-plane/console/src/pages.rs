//! The URL table of the console; each noun has a file.

mod access_key;
mod audit;
mod clusters;
mod docs;
mod envoys;
mod kubeconfig;
pub(crate) mod login;
mod not_found;
mod preferences;
mod resource;
mod sessions;
mod token;
mod users;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

pub(crate) use self::docs::TRY;
use crate::Console;
use crate::session::{Missing, Session};

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
        .method_not_allowed_fallback(not_found::page)
}

/// The guide begins with the keys. Whoever is not logged in has the login here at once: a first
/// visit waits for each step.
async fn first(State(console): State<Console>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match Session::find(&mut parts, &console).await {
        Ok(_) => Redirect::to("/console/keys").into_response(),
        Err(Missing::LoggedOut(view)) => login::first(&view).into_response(),
        Err(missing) => missing.into_response(&parts),
    }
}
