//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0, 3; RFC 8414)

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::oauth::exchange;
use crate::{AppState, respond};

#[derive(Serialize, ToSchema)]
#[schema(as = OpenidConfiguration, example = json!({
    "issuer": "https://gateway.example",
    "token_endpoint": "https://gateway.example/oauth/token",
    "userinfo_endpoint": "https://gateway.example/oauth/userinfo",
    "jwks_uri": "https://gateway.example/oauth/keys",
    "revocation_endpoint": "https://gateway.example/oauth/revoke",
    "end_session_endpoint": "https://gateway.example/oauth/logout",
    "grant_types_supported": ["password", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"],
    "response_types_supported": [],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": [],
    "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
    "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
    "claims_supported": ["sub", "name", "preferred_username", "email", "locale", "groups"],
}))]
struct Configuration {
    issuer: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    end_session_endpoint: String,
    grant_types_supported: [&'static str; 3],
    response_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 0],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    claims_supported: [&'static str; 6],
}

const CLIENT_AUTHENTICATION: [&str; 3] = ["none", "client_secret_post", "client_secret_basic"];

/// What there is.
///
/// Nothing that is not there is named. The addresses are those that the client
/// reached us by, unless the tokens' issuer is an address itself.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    tag = "oauth",
    responses((status = 200, description = "The endpoints, grants and claims that there are (RFC 8414)", body = Configuration))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let name = state.issuer.name().unwrap_or_default();
    let base = if name.starts_with("https://") || name.starts_with("http://") {
        name.trim_end_matches('/').to_owned()
    } else {
        let scheme = if state.plain_http { "http" } else { "https" };
        format!("{scheme}://{}", host(&headers, &uri))
    };
    let at = |path: &str| format!("{base}{path}");
    let configuration = Configuration {
        issuer: if name.is_empty() {
            base.clone()
        } else {
            name.clone()
        },
        token_endpoint: at("/oauth/token"),
        userinfo_endpoint: at("/oauth/userinfo"),
        jwks_uri: at("/oauth/keys"),
        revocation_endpoint: at("/oauth/revoke"),
        end_session_endpoint: at("/oauth/logout"),
        grant_types_supported: ["password", "refresh_token", exchange::GRANT],
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: [],
        token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        claims_supported: [
            "sub",
            "name",
            "preferred_username",
            "email",
            "locale",
            "groups",
        ],
    };
    respond::plain_json(StatusCode::OK, &configuration)
}

fn host(headers: &HeaderMap, uri: &Uri) -> String {
    // HTTP/2 has it in the request line.
    let authority = uri.authority().map(Authority::as_str);
    let header = || headers.get(header::HOST)?.to_str().ok();
    authority.or_else(header).unwrap_or_default().to_owned()
}
