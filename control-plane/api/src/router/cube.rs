//! KubeCube's operations beside login, keys and the gateway's own clusters.

use axum::routing::MethodFilter;

use super::Table;
use crate::routes::{authorization, cluster, extend, user, warden};

const EXTEND: &str = "/extend/clusters/{cluster}/namespaces/{namespace}/{resource}";
const EXTEND_ONE: &str = "/extend/clusters/{cluster}/namespaces/{namespace}/{resource}/{name}";

/// Adds them.
pub(super) fn routes(table: Table) -> Table {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const DELETE: MethodFilter = MethodFilter::DELETE;

    table
        // For administrators.
        .on(GET, "/user", user::list::handler)
        .on(POST, "/user/", user::create::handler)
        .on(POST, "/user/{name}/unlock", user::unlock::handler)
        .on(DELETE, "/user/{name}", user::delete::handler)
        .on(GET, "/user/{name}/groups", user::groups::list)
        .on(PUT, "/user/{name}/groups/{group}", user::groups::add)
        .on(DELETE, "/user/{name}/groups/{group}", user::groups::remove)
        .on(GET, "/user/{name}/sessions", user::sessions::list)
        .on(DELETE, "/user/{name}/sessions", user::sessions::end_all)
        .on(DELETE, "/user/{name}/sessions/{id}", user::sessions::end)
        // For administrators, and for users about themselves.
        .on(PUT, "/user/{name}", user::update::handler)
        .on(GET, "/user/valid/{name}", user::valid::handler)
        .on(GET, "/user/kubeconfigs", user::kubeconfig::handler)
        // For everybody who knows the old password.
        .on(PUT, "/user/pwd", user::password::handler)
        // For everybody, as far as the clusters let them.
        .on(GET, "/clusters/info", cluster::info::handler)
        .on(GET, "/clusters/namespaces", cluster::namespaces::handler)
        .on(GET, "/clusters/resources", cluster::resources::handler)
        .on(
            POST,
            "/authorization/access",
            authorization::access::handler,
        )
        .on(
            GET,
            "/authorization/identities",
            authorization::identities::handler,
        )
        .on(GET, "/authorization/roles", authorization::roles::roles)
        .on(
            GET,
            "/authorization/clusterroles",
            authorization::roles::cluster_roles,
        )
        .on(
            POST,
            "/authorization/bindings",
            authorization::bindings::create,
        )
        .on(
            DELETE,
            "/authorization/bindings",
            authorization::bindings::delete,
        )
        .every(EXTEND, &extend::handler)
        .every(EXTEND_ONE, &extend::handler)
}

/// The webhook for member clusters.
pub(super) fn warden(table: Table) -> Table {
    table.on(MethodFilter::POST, "/authenticate", warden::handler)
}
