//! What holds for all operations of a family.

use axum::http::Method;
use cubegate_kube::{Family, is_below};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response,
    ResponseBuilder, Type,
};

/// How a caller proves who it is.
pub(super) struct Credentials;

/// How refusals look.
pub(super) struct Refusals;

/// The names of the operations: method and path, which are unique.
pub(super) struct Names;

// === impl Credentials ===

impl Modify for Credentials {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let cookie =
            ApiKeyValue::with_description("Authorization", "`Bearer+<token>`, as a login sets it");
        let components = document.components.take().unwrap_or_default();
        document.components = Some(
            ComponentsBuilder::from(components)
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
                .build(),
        );
    }
}

// === impl Refusals ===

impl Modify for Refusals {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let refusal = match Family::of_path(path) {
                Family::KubeCube => refusal("ErrorBody"),
                Family::KubeSphere if !is_below(path, "/kapis") => refusal("OauthRefusal"),
                Family::KubeSphere | Family::Kubernetes => continue,
            };
            for (_, operation) in operations(item) {
                let responses = &mut operation.responses.responses;
                if operation.security.is_some() {
                    for (status, what) in [
                        ("401", "No credential, or one that stands for nobody"),
                        ("403", "The caller may not do this"),
                    ] {
                        let mut refused = refusal.clone();
                        refused.description = what.to_owned();
                        responses.insert(status.to_owned(), RefOr::T(refused));
                    }
                }
                responses.insert("default".to_owned(), RefOr::T(refusal.clone()));
            }
        }
    }
}

/// JSON of this schema, but a path or method that is none is plain text.
fn refusal(schema: &str) -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ResponseBuilder::new()
        .description("The call is refused")
        .content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(schema)))
                .build(),
        )
        .content(
            "text/plain",
            ContentBuilder::new().schema(Some(text)).build(),
        )
        .build()
}

// === impl Names ===

impl Modify for Names {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                operation.operation_id = Some(name(&method, path));
            }
        }
    }
}

/// `deleteClustersByName` of `DELETE /api/v1/cube/clusters/{name}`.
fn name(method: &Method, path: &str) -> String {
    let mut name = method.as_str().to_ascii_lowercase();
    let path = path.strip_prefix("/api/v1/cube").unwrap_or(path);
    for word in path.split(|c: char| !c.is_ascii_alphanumeric() && c != '{') {
        let word = match word.strip_prefix('{') {
            Some(variable) => {
                name.push_str("By");
                variable
            }
            None => word,
        };
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// Returns the operations of a path with their methods.
pub(crate) fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let PathItem {
        get,
        put,
        post,
        delete,
        ..
    } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|it| (method, it)))
    .collect()
}
