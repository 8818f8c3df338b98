//! Signing, for the control plane alone (feature `sign`).

use hmac::Mac;
use jwt_simple::algorithms::{Ed25519KeyPair, EdDSAKeyPairLike};
use jwt_simple::claims::Claims as JwtClaims;
use jwt_simple::prelude::{Duration, UnixTimeStamp};
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use serde::Serialize;

use crate::claims::{PrivateClaims, UserInfo};
use crate::{Claims, Ed25519Key, Hs256Secret, KeyError};

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
        match self {
            Self::Ed25519(signer) => {
                let lifetime = claims.expires_at.saturating_sub(claims.issued_at);
                let mut payload = JwtClaims::with_custom_claims(
                    claims.to_private(),
                    Duration::from_secs(lifetime),
                )
                .with_issuer(&signer.issuer)
                .with_subject(&claims.user);
                payload.issued_at = Some(UnixTimeStamp::from_secs(claims.issued_at));
                payload.expires_at = Some(UnixTimeStamp::from_secs(claims.expires_at));
                payload.invalid_before = Some(UnixTimeStamp::from_secs(claims.issued_at));
                payload.jwt_id.clone_from(&claims.id);
                signer
                    .pair
                    .sign(payload)
                    .map_err(|error| KeyError::Sign(error.to_string()))
            }
            Self::Hs256(secret) => sign_hs256(secret, claims),
        }
    }
}

fn sign_hs256(secret: &Hs256Secret, claims: &Claims) -> Result<String, KeyError> {
    let payload = Hs256Payload {
        private: PrivateClaims {
            user_info: Some(UserInfo {
                username: claims.user.clone(),
                groups: vec![crate::KUBECUBE_GROUP.to_owned()],
            }),
            ..claims.to_private()
        },
        exp: claims.expires_at,
        iat: claims.issued_at,
        nbf: claims.issued_at,
        jti: claims.id.clone(),
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
