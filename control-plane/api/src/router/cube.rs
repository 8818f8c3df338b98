//! KubeCube's operations beside login, keys and the gateway's own clusters.

use axum::routing::MethodFilter;

use super::Table;
use crate::routes::user;

/// Adds them.
pub(super) fn routes(table: Table) -> Table {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;

    table
        // For administrators.
        .on(GET, "/user", user::list::handler)
        .on(POST, "/user/", user::create::handler)
        // For administrators, and for users about themselves.
        .on(PUT, "/user/{name}", user::update::handler)
        .on(GET, "/user/valid/{name}", user::valid::handler)
        .on(GET, "/user/kubeconfigs", user::kubeconfig::handler)
        // For everybody who knows the old password.
        .on(PUT, "/user/pwd", user::password::handler)
}
