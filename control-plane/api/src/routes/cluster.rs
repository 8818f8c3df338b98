//! Member clusters: which there are, for administrators; what they have, for everybody.

use utoipa_axum::routes;

use crate::audit::Audit;
use crate::router::Endpoints;

mod add;
mod check;
mod info;
mod list;
mod namespaces;
mod remove;
mod resources;
mod submitted;

/// The first four are the gateway's own, the others KubeCube's.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::kubecube()
        .add_own(routes!(list::handler), Audit::refusals("get", "clusters"))
        .add_own(routes!(add::handler), Audit::change("create", "clusters"))
        .add_own(
            routes!(check::handler),
            Audit::requests("check", "clusters"),
        )
        .add_own(
            routes!(remove::handler),
            Audit::change("delete", "clusters"),
        )
        .add(routes!(info::handler), Audit::refusals("get", "clusters"))
        .add(
            routes!(namespaces::handler),
            Audit::refusals("get", "clusters"),
        )
        .add(
            routes!(resources::handler),
            Audit::refusals("get", "clusters"),
        )
}
