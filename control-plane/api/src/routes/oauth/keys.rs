//! `GET /oauth/keys`: a JSON Web Key Set (RFC 7517 5) of Ed25519 keys (RFC 8037 2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{AppState, respond};

#[derive(Serialize, ToSchema)]
#[schema(as = JsonWebKeySet, example = json!({ "keys": [{
    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k1",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}] }))]
struct KeySet<'a> {
    keys: Vec<Key<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = JsonWebKey)]
struct Key<'a> {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: &'a str,
    x: String,
}

/// The keys that tokens can be checked with.
///
/// Those of access tokens; none when they are made with a
/// shared secret.
#[utoipa::path(
    get,
    path = "/oauth/keys",
    tag = "oauth",
    responses((status = 200, description = "The public keys as a JSON Web Key Set (RFC 7517, 5); none when tokens are made with a shared secret", body = KeySet))
)]
pub(crate) async fn handler(State(state): State<AppState>) -> Response {
    let public = state.issuer.public_keys();
    let keys = public
        .iter()
        .map(|key| Key {
            kty: "OKP",
            crv: "Ed25519",
            usage: "sig",
            alg: "EdDSA",
            kid: key.kid(),
            x: URL_SAFE_NO_PAD.encode(key.to_bytes()),
        })
        .collect();
    respond::plain_json(StatusCode::OK, &KeySet { keys })
}
