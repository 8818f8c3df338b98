//! Who may do what in the host cluster, as its own RBAC says.

use utoipa_axum::routes;

use crate::audit::Audit;
use crate::router::Endpoints;

mod access;
mod bindings;
mod identities;
mod roles;

/// What this part is called in audit records.
const RESOURCE: &str = "authorization";

/// For everybody, as far as the host cluster lets them.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::kubecube()
        .add(
            routes!(access::handler),
            Audit::refusals("create", RESOURCE),
        )
        .add(
            routes!(identities::handler),
            Audit::refusals("get", RESOURCE),
        )
        .add(routes!(roles::roles), Audit::refusals("get", RESOURCE))
        .add(
            routes!(roles::cluster_roles),
            Audit::refusals("get", RESOURCE),
        )
        .add(routes!(bindings::create), Audit::change("create", RESOURCE))
        .add(routes!(bindings::delete), Audit::change("delete", RESOURCE))
}
