//! `GET /oauth/keys`: a JSON Web Key Set (RFC 7517 5) of Ed25519 keys (RFC 8037 2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::{AppState, respond};

#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: &'a str,
    x: String,
}

/// The keys that access tokens can be checked with; none when they are made with a
/// shared secret.
pub(crate) async fn handler(State(state): State<AppState>) -> Response {
    let keys = state
        .issuer
        .public_keys()
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
