//! Access keys and the tokens made from them.

use utoipa_axum::routes;

use crate::audit::Audit;
use crate::router::Endpoints;

pub(super) mod attributes;
mod create;
mod delete;
mod list;
mod list_all;
mod rotate;
mod token;
mod update;

/// For whoever has a key pair, for users about their own keys, and for administrators about all.
pub(super) fn endpoints() -> Endpoints {
    Endpoints::kubecube()
        .add(routes!(token::handler), Audit::requests("create", "tokens"))
        .add(
            routes!(token::post_handler),
            Audit::requests("create", "tokens"),
        )
        .add(routes!(create::handler), Audit::change("create", "keys"))
        .add(routes!(list::handler), Audit::refusals("get", "keys"))
        .add(routes!(delete::handler), Audit::change("delete", "keys"))
        .add_own(routes!(update::handler), Audit::change("update", "keys"))
        .add_own(routes!(rotate::handler), Audit::change("rotate", "keys"))
        .add_own(routes!(list_all::handler), Audit::refusals("get", "keys"))
}
