//! Users, for themselves and for administrators.

use utoipa_axum::routes;

use crate::audit::Audit;
use crate::router::Endpoints;

mod create;
mod delete;
mod groups;
mod kubeconfig;
mod list;
pub(super) mod object;
mod password;
mod sessions;
mod unlock;
mod update;
mod valid;

/// Managing users; what their summary does not say to be for administrators, users do
/// themselves.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::kubecube()
        .add(routes!(list::handler), Audit::refusals("get", "users"))
        .add(routes!(create::handler), Audit::change("create", "users"))
        .add(routes!(update::handler), Audit::change("update", "users"))
        .add_own(routes!(delete::handler), Audit::change("delete", "users"))
        .add(routes!(valid::handler), Audit::refusals("get", "users"))
        .add(routes!(password::handler), Audit::change("update", "users"))
        .add(
            routes!(kubeconfig::handler),
            Audit::change("get", "kubeconfigs"),
        )
        .add_own(routes!(unlock::handler), Audit::change("unlock", "users"))
        .add_own(routes!(groups::list), Audit::refusals("get", "users"))
        .add_own(routes!(groups::add), Audit::change("update", "groups"))
        .add_own(routes!(groups::remove), Audit::change("delete", "groups"))
        .add_own(routes!(sessions::list), Audit::refusals("get", "sessions"))
        .add_own(
            routes!(sessions::end_all),
            Audit::change("delete", "sessions"),
        )
        .add_own(routes!(sessions::end), Audit::change("delete", "sessions"))
}
