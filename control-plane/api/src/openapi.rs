//! The description of this API, made from the handlers.
//!
//! Every handler says in its `utoipa::path` what it takes and answers. What holds
//! for a whole family is added here once: how a refusal looks, and how a caller
//! proves who it is. A test compares the paths with the URL table, so that none
//! is left out, and the whole with `docs/openapi.json`.

mod family;
mod swagger;
#[cfg(test)]
mod tests;

use utoipa::OpenApi;

use self::family::{Credentials, Names, Refusals};
pub(crate) use self::swagger::swagger;
use crate::error::OauthRefusal;
use crate::routes::{
    audit, authorization, cluster, health, key, login, logout, oauth, openapi, root, user, version,
    warden,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cubegate",
        description = "The control plane of the gateway. Paths of member clusters are described by their own API servers.",
    ),
    tags(
        (name = "login", description = "Passwords for tokens"),
        (name = "keys", description = "Access keys and tokens from them"),
        (name = "users", description = "People and programs"),
        (name = "clusters", description = "Where the gateway leads to"),
        (name = "authorization", description = "Who may do what in the host cluster"),
        (name = "oauth", description = "KubeSphere's tokens"),
        (name = "audit", description = "Who did what"),
        (name = "process", description = "For the machinery around the process"),
    ),
    paths(
        root::handler,
        openapi::handler,
        openapi::v2,
        openapi::v3,
        health::healthz,
        health::livez,
        health::readyz,
        version::handler,
        version::short,
        login::handler,
        logout::handler,
        key::token::handler,
        key::token::post_handler,
        key::create::handler,
        key::list::handler,
        key::delete::handler,
        key::update::handler,
        key::rotate::handler,
        user::list::handler,
        user::create::handler,
        user::update::handler,
        user::valid::handler,
        user::kubeconfig::handler,
        user::password::handler,
        user::unlock::handler,
        user::delete::handler,
        user::groups::list,
        user::groups::add,
        user::groups::remove,
        user::sessions::list,
        user::sessions::end_all,
        user::sessions::end,
        cluster::list::handler,
        cluster::add::handler,
        cluster::remove::handler,
        cluster::info::handler,
        cluster::namespaces::handler,
        cluster::resources::handler,
        authorization::access::handler,
        authorization::identities::handler,
        authorization::roles::roles,
        authorization::roles::cluster_roles,
        authorization::bindings::create,
        authorization::bindings::delete,
        warden::handler,
        audit::handler,
        oauth::token::handler,
        oauth::revoke::handler,
        oauth::authenticate::handler,
        oauth::userinfo::handler,
        oauth::logout::handler,
        oauth::authorize::handler,
        oauth::keys::handler,
        oauth::discovery::handler,
    ),
    components(schemas(cubegate_api_types::cube::ErrorBody, OauthRefusal)),
    modifiers(&Credentials, &Refusals, &Names)
)]
struct Document;

/// The whole document, as it is served and committed.
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
