//! The URL table, and one file per operation: request, handler, answer.
//!
//! A new endpoint is a file with its handler, a row in the table of its noun, and its body
//! in `cubegate-api-types`.

use axum::http::Method;
use utoipa_axum::routes;

use crate::audit::Audit;
use crate::router::Endpoints;

mod audit;
mod authorization;
mod cluster;
mod clusters;
mod envoys;
mod extend;
pub(crate) mod health;
mod key;
mod login;
mod logout;
pub(crate) mod not_found;
mod oauth;
mod openapi;
mod root;
mod user;
mod version;
mod warden;
mod whoami;

pub(crate) use self::key::attributes::old_secret_until;
pub(crate) use self::user::object::parts as user_parts;

/// KubeCube's paths, and the gateway's own beside them.
pub(crate) fn kubecube() -> Endpoints {
    Endpoints::kubecube()
        .add(routes!(login::handler), Audit::change("login", "sessions"))
        .add(
            routes!(logout::handler),
            Audit::change("logout", "sessions"),
        )
        .add(
            routes!(warden::handler),
            Audit::refusals("create", "tokenreviews"),
        )
        .merge(
            Endpoints::exact().add_own(routes!(audit::handler), Audit::requests("list", "audit")),
        )
        .add_own(routes!(envoys::handler), Audit::refusals("get", "envoys"))
        .add_own(routes!(whoami::handler), Audit::refusals("get", "users"))
        .add_own(
            routes!(whoami::clusters),
            Audit::refusals("get", "clusters"),
        )
        .merge(key::endpoints())
        .merge(user::endpoints())
        .merge(cluster::endpoints())
        .merge(authorization::endpoints())
        .merge(extend::endpoints())
}

/// KubeSphere's paths, and those that need no credential.
pub(crate) fn others() -> Endpoints {
    Endpoints::exact()
        .add_hidden("/", &[Method::GET], root::handler)
        .add(routes!(openapi::handler), Audit::NOTHING)
        .add(routes!(health::healthz), Audit::NOTHING)
        .add(routes!(health::livez), Audit::NOTHING)
        .add(routes!(health::readyz), Audit::NOTHING)
        .merge(oauth::endpoints())
        .merge(
            Endpoints::kubesphere()
                .add(routes!(version::handler), Audit::NOTHING)
                .add(routes!(version::short), Audit::NOTHING)
                .add(routes!(openapi::v2), Audit::NOTHING)
                .add(routes!(openapi::v3), Audit::NOTHING)
                .add(routes!(clusters::list), Audit::refusals("get", "clusters"))
                .add(routes!(clusters::get), Audit::refusals("get", "clusters")),
        )
}
