//! The description of this API, made from the handlers.
//!
//! Every handler says in its `utoipa::path` what it takes and answers, and stands in the
//! URL table ([`crate::routes`]), which gathers the descriptions. What holds for a whole
//! family is added here once: how a refusal looks, and how a caller proves who it is. A
//! test compares the whole with `docs/openapi.json`.

mod family;
mod swagger;
#[cfg(test)]
mod tests;

use utoipa::openapi::OpenApi;
use utoipa::{Modify as _, OpenApi as _};

pub(crate) use self::family::operations;
use self::family::{Credentials, Names, Refusals};
pub(crate) use self::swagger::swagger;
use crate::error::OauthRefusal;
use crate::router::endpoints;

#[derive(utoipa::OpenApi)]
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
        (name = "envoys", description = "What carries the traffic"),
        (name = "authorization", description = "Who may do what in the host cluster"),
        (name = "oauth", description = "KubeSphere's tokens"),
        (name = "audit", description = "Who did what"),
        (name = "process", description = "For the machinery around the process"),
    ),
    components(schemas(cubegate_api_types::cube::ErrorBody, OauthRefusal))
)]
struct Head;

/// Returns the whole description.
fn describe() -> OpenApi {
    let mut document = Head::openapi();
    document.merge(endpoints().into_openapi());
    Credentials.modify(&mut document);
    Refusals.modify(&mut document);
    Names.modify(&mut document);
    document
}

/// Returns the whole document, as it is served and committed.
pub fn document() -> String {
    let mut text = describe().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
