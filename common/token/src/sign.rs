//! Signing, for the control plane alone (feature `sign`).

use hmac::Mac;
use jwt_simple::algorithms::{Ed25519KeyPair, EdDSAKeyPairLike};
use jwt_simple::claims::Claims as JwtClaims;
use jwt_simple::prelude::{Duration, UnixTimeStamp};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use serde::Serialize;

use crate::claims::PrivateClaims;
use crate::{Claims, Ed25519Key, Hs256Secret, KUBECUBE_GROUP, KeyError, RefreshClaims};

/// A key pair of ours with its id.
pub struct Ed25519Signer {
    kid: String,
    issuer: String,
    pair: Ed25519KeyPair,
}

/// What turns claims into a token: one key pair, or KubeCube's shared secret.
pub enum Signer {
    /// Our own tokens.
    Ed25519(Box<Ed25519Signer>),
    /// Plain KubeCube tokens.
    Hs256(Hs256Secret),
}

/// What is to be signed, whatever with.
struct Payload<'a> {
    private: PrivateClaims,
    user: &'a str,
    id: Option<&'a str>,
    issued_at: u64,
    expires_at: u64,
}

#[derive(Serialize)]
struct Hs256Payload {
    #[serde(flatten)]
    private: PrivateClaims,
    exp: u64,
    iat: u64,
    nbf: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

// === impl Ed25519Signer ===

impl Ed25519Signer {
    /// Makes a new key pair; its id is the RFC 7638 thumbprint of the public key.
    pub fn generate(issuer: impl Into<String>) -> Self {
        Self::from_pair(Ed25519KeyPair::generate(), issuer)
    }

    /// Reads a key pair from PKCS#8 PEM.
    ///
    /// # Errors
    /// [`KeyError::NotEd25519`].
    pub fn from_pem(pem: &str, issuer: impl Into<String>) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pem(pem)
            .map(|pair| Self::from_pair(pair, issuer))
            .map_err(|_| KeyError::NotEd25519 {
                kid: "PEM".to_owned(),
            })
    }

    fn from_pair(pair: Ed25519KeyPair, issuer: impl Into<String>) -> Self {
        let kid = pair.jwk_thumbprint();
        Self {
            pair: pair.with_key_id(&kid),
            kid,
            issuer: issuer.into(),
        }
    }

    /// The key pair as PKCS#8 PEM. Keep it at mode 0600.
    pub fn to_pem(&self) -> String {
        self.pair.to_pem()
    }

    /// The id that tokens name this key by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The `iss` that its tokens carry.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The 32 raw bytes of the public half.
    pub fn public_key_bytes(&self) -> Vec<u8> {
        self.pair.public_key().to_bytes()
    }

    /// The public half, to verify with.
    ///
    /// # Errors
    /// Never for a key pair that was made or read by this type.
    pub fn public_key(&self) -> Result<Ed25519Key, KeyError> {
        Ed25519Key::from_bytes(self.kid.clone(), &self.public_key_bytes())
    }
}

// === impl Signer ===

impl Signer {
    /// Signs `claims` into the compact form.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let mut private = claims.to_private();
        if let (Self::Hs256(_), Some(info)) = (self, &mut private.user_info) {
            // What such a token means when it is read, whatever it says.
            info.groups = vec![KUBECUBE_GROUP.to_owned()];
        }
        self.sign_payload(Payload {
            private,
            user: &claims.user,
            id: claims.id.as_deref(),
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        })
    }

    /// Signs a refresh token.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn sign_refresh(&self, claims: &RefreshClaims) -> Result<String, KeyError> {
        self.sign_payload(Payload {
            private: claims.to_private(),
            user: &claims.user,
            id: Some(&claims.id),
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        })
    }

    fn sign_payload(&self, payload: Payload<'_>) -> Result<String, KeyError> {
        match self {
            Self::Ed25519(signer) => {
                let lifetime = payload.expires_at.saturating_sub(payload.issued_at);
                let mut claims =
                    JwtClaims::with_custom_claims(payload.private, Duration::from_secs(lifetime))
                        .with_issuer(&signer.issuer)
                        .with_subject(payload.user);
                claims.issued_at = Some(UnixTimeStamp::from_secs(payload.issued_at));
                claims.expires_at = Some(UnixTimeStamp::from_secs(payload.expires_at));
                claims.invalid_before = Some(UnixTimeStamp::from_secs(payload.issued_at));
                claims.jwt_id = payload.id.map(str::to_owned);
                signer
                    .pair
                    .sign(claims)
                    .map_err(|error| KeyError::Sign(error.to_string()))
            }
            Self::Hs256(secret) => sign_hs256(secret, payload),
        }
    }
}

fn sign_hs256(secret: &Hs256Secret, payload: Payload<'_>) -> Result<String, KeyError> {
    let payload = Hs256Payload {
        private: payload.private,
        exp: payload.expires_at,
        iat: payload.issued_at,
        nbf: payload.issued_at,
        jti: payload.id.map(str::to_owned),
    };
    let payload =
        serde_json::to_vec(&payload).map_err(|error| KeyError::Sign(error.to_string()))?;
    let signed = format!(
        "{}.{}",
        encode(br#"{"alg":"HS256","typ":"JWT"}"#)?,
        encode(&payload)?
    );
    let mut mac = secret
        .mac()
        .ok_or_else(|| KeyError::Sign("no MAC for this secret".to_owned()))?;
    mac.update(signed.as_bytes());
    let signature = encode(&mac.finalize().into_bytes())?;
    Ok(format!("{signed}.{signature}"))
}

fn encode(bytes: &[u8]) -> Result<String, KeyError> {
    Base64UrlSafeNoPadding::encode_to_string(bytes)
        .map_err(|error| KeyError::Sign(error.to_string()))
}
