//! What is made of the flags and the data directory before anything is started.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cubegate_api::Issuer;
use cubegate_filter_config::TokenKeys;
use cubegate_token::{Hs256Secret, STRONG_HS256_SECRET_BYTES};

use crate::data_dir::DataDir;
use crate::keys::SigningKeys;

/// The environment variable of Envoy that carries KubeCube's shared secret to
/// the filter. It is in no configuration dump there.
pub(crate) const HS256_SECRET_ENV: &str = "CUBEGATE_JWT_HS256_SECRET";

/// Returns how clients reach the gateway: as the operator says, or where Envoy listens.
pub(super) fn gateway_url(
    given: Option<&str>,
    listen: SocketAddr,
    plain: bool,
) -> anyhow::Result<String> {
    let scheme = if plain { "http" } else { "https" };
    let Some(given) = given else {
        return Ok(format!("{scheme}://{listen}"));
    };
    let given = given.trim_end_matches('/');
    let host = given
        .strip_prefix("https://")
        .or_else(|| given.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !given.contains(['?', '#', '@', ' ']) => {
            Ok(given.to_owned())
        }
        _ => Err(anyhow!(
            "--public-url must be an http or https URL without query, as https://gateway.example:30443"
        )),
    }
}

/// Returns the host of the URL by which clients reach the gateway.
pub(super) fn public_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(ipv6) => ipv6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// Returns what tokens are made with here, and checked against in the filter.
pub(super) fn token_keys(
    data: &DataDir,
    issuer: &str,
    hs256_secret: Option<&str>,
    lifetime: Duration,
) -> anyhow::Result<(Issuer, TokenKeys)> {
    if let Some(secret) = hs256_secret {
        let secret = Hs256Secret::new(secret)
            .context("the secret given with --jwt-hs256-secret cannot be used")?;
        if secret.is_weak() {
            tracing::warn!(
                "the HS256 secret is shorter than {STRONG_HS256_SECRET_BYTES} bytes; whoever guesses it can be anybody"
            );
        }
        let keys = TokenKeys::Hs256 {
            secret_env: HS256_SECRET_ENV.to_owned(),
        };
        return Ok((Issuer::hs256(secret, lifetime), keys));
    }
    let keys = data.keys().signing_keys(issuer)?;
    let tokens = tokens_of(&keys);
    let SigningKeys { signer, others } = keys;
    Ok((Issuer::ed25519_among(signer, others, lifetime)?, tokens))
}

/// Returns what the filter checks tokens of these keys against.
pub(super) fn tokens_of(keys: &SigningKeys) -> TokenKeys {
    let SigningKeys { signer, others } = keys;
    let own = (signer.kid(), signer.public_key_bytes());
    let others = others.iter().map(|key| (key.kid(), key.to_bytes()));
    let keys = others.chain([own]);
    TokenKeys::Ed25519 {
        issuer: signer.issuer().to_owned(),
        keys: keys
            .map(|(kid, key)| (kid.to_owned(), hex::encode(key)))
            .collect(),
    }
}

/// The names that the HTTP API is reached by: of this machine, and those that are given.
/// (Envoys check another one, which is always there.)
pub(super) fn api_names(listen: SocketAddr, given: &[String]) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    if !listen.ip().is_unspecified() && !listen.ip().is_loopback() {
        names.push(listen.ip().to_string());
    }
    names.extend(given.iter().cloned());
    names
}
