//! Plain KubeCube and KubeSphere tokens (HS256), good and bad, minted without the
//! product's code.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

/// Mints tokens under one shared secret.
#[derive(Debug, Clone)]
pub struct Minter {
    secret: String,
}

/// Unix seconds.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

// === impl Minter ===

impl Minter {
    /// Under this secret.
    pub fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
        }
    }

    /// A good token, as the original mints it.
    ///
    /// # Errors
    /// Never.
    pub fn token(&self, user: &str) -> Result<String> {
        self.kind("token", user)
    }

    /// A token of one of the vectors' kinds.
    ///
    /// # Errors
    /// A kind that the vectors' schema does not name.
    pub fn kind(&self, kind: &str, user: &str) -> Result<String> {
        let hour = 3600;
        match kind {
            "token" => self.hs256(&payload(user, Some(now() + hour))),
            "expired" => self.hs256(&payload(user, Some(now() - hour))),
            "noexp" => self.hs256(&payload(user, None)),
            "wrong" => Self::new("another secret of some length").token(user),
            "empty" => self.hs256(&payload("", Some(now() + hour))),
            "nbf" => {
                let mut payload = payload(user, Some(now() + hour));
                if let Some(claims) = payload.as_object_mut() {
                    claims.insert("nbf".to_owned(), json!(now() + hour / 2));
                }
                self.hs256(&payload)
            }
            // KubeSphere's.
            "static" => self.hs256(&sphere_payload("static_token", user, now() + hour)),
            "staticexpired" => self.hs256(&sphere_payload("static_token", user, now() - hour)),
            "uncached" => self.hs256(&sphere_payload("access_token", user, now() + hour)),
            "hs512" => self.hs512(&payload(user, Some(now() + hour))),
            "none" => {
                let signed = part(&json!({"alg": "none", "typ": "JWT"}))
                    + "."
                    + &part(&payload(user, Some(now() + hour)));
                Ok(signed + ".")
            }
            _ => bail!("the vectors know no token of the kind {kind}"),
        }
    }

    /// Any payload, signed with HS256.
    ///
    /// # Errors
    /// Never.
    pub fn hs256(&self, payload: &Value) -> Result<String> {
        self.sign::<Hmac<Sha256>>("HS256", payload)
    }

    fn hs512(&self, payload: &Value) -> Result<String> {
        self.sign::<Hmac<Sha512>>("HS512", payload)
    }

    fn sign<M: Mac + KeyInit>(&self, algorithm: &str, payload: &Value) -> Result<String> {
        let signed = part(&json!({"alg": algorithm, "typ": "JWT"})) + "." + &part(payload);
        let mut mac = <M as KeyInit>::new_from_slice(self.secret.as_bytes())
            .ok()
            .context("HMAC takes every key")?;
        mac.update(signed.as_bytes());
        Ok(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        ))
    }
}

/// The documented claims.
pub fn payload(user: &str, expires_at: Option<u64>) -> Value {
    let user = json!({ "username": user, "groups": ["kubecube"] });
    match expires_at {
        Some(expires_at) => json!({ "UserInfo": user, "exp": expires_at }),
        None => json!({ "UserInfo": user }),
    }
}

/// KubeSphere's claims.
fn sphere_payload(token_type: &str, user: &str, expires_at: u64) -> Value {
    let issued_at = now() - 7200;
    json!({
        "username": user, "uid": format!("uid-{user}"), "token_type": token_type,
        "exp": expires_at, "iat": issued_at, "iss": "kubesphere", "nbf": issued_at,
    })
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
