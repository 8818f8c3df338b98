//! Signing, for the control plane alone (feature `sign`).

use ed25519_compact::{KeyPair, Noise};
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::compact::{Header, Payload, encode};
use crate::hs256::HS256;
use crate::key_set::EDDSA;
use crate::{Claims, Ed25519Key, Hs256Secret, KUBECUBE_GROUP, KeyError, RefreshClaims};

/// A key pair of ours with its id.
pub struct Ed25519Signer {
    kid: String,
    issuer: String,
    pair: KeyPair,
}

/// What turns claims into a token: one key pair, or KubeCube's shared secret.
pub enum Signer {
    /// Our own tokens.
    Ed25519(Box<Ed25519Signer>),
    /// Plain KubeCube tokens.
    Hs256(Hs256Secret),
}

// === impl Ed25519Signer ===

impl Ed25519Signer {
    /// Makes a new key pair; its id is the RFC 7638 thumbprint of the public key.
    pub fn generate(issuer: impl Into<String>) -> Self {
        Self::from_pair(KeyPair::generate(), issuer)
    }

    /// Reads a key pair from PKCS#8 PEM.
    ///
    /// # Errors
    /// [`KeyError::NotEd25519`].
    pub fn from_pem(pem: &str, issuer: impl Into<String>) -> Result<Self, KeyError> {
        KeyPair::from_pem(pem)
            .map(|pair| Self::from_pair(pair, issuer))
            .map_err(|_| KeyError::NotEd25519 {
                kid: "PEM".to_owned(),
            })
    }

    fn from_pair(pair: KeyPair, issuer: impl Into<String>) -> Self {
        Self {
            kid: thumbprint(&pair),
            pair,
            issuer: issuer.into(),
        }
    }

    /// Returns the key pair as PKCS#8 PEM. Keep it at mode 0600.
    pub fn to_pem(&self) -> String {
        self.pair.to_pem()
    }

    /// Returns the id that tokens name this key by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the `iss` that its tokens carry.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the 32 raw bytes of the public half.
    pub fn public_key_bytes(&self) -> [u8; 32] {
        *self.pair.pk
    }

    /// Returns the public half, to verify with.
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
            iss: None,
            sub: Some(claims.user.clone()),
            exp: Some(claims.expires_at),
            nbf: Some(claims.issued_at),
            iat: Some(claims.issued_at),
            jti: claims.id.clone(),
        })
    }

    /// Signs a refresh token.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn sign_refresh(&self, claims: &RefreshClaims) -> Result<String, KeyError> {
        self.sign_payload(Payload {
            private: claims.to_private(),
            iss: None,
            sub: Some(claims.user.clone()),
            exp: Some(claims.expires_at),
            nbf: Some(claims.issued_at),
            iat: Some(claims.issued_at),
            jti: Some(claims.id.clone()),
        })
    }

    fn sign_payload(&self, payload: Payload) -> Result<String, KeyError> {
        match self {
            Self::Ed25519(signer) => {
                let payload = Payload {
                    iss: Some(signer.issuer.clone()),
                    ..payload
                };
                let signed = signed_part(&Header::of(EDDSA, Some(&signer.kid)), &payload)?;
                // Noise keeps one signature from telling of the key when the machine errs.
                let signature = signer.pair.sk.sign(&signed, Some(Noise::generate()));
                Ok(format!("{signed}.{}", encode(*signature)))
            }
            Self::Hs256(secret) => {
                // KubeCube's own tokens have no subject beside its claim.
                let payload = Payload {
                    sub: None,
                    ..payload
                };
                let signed = signed_part(&Header::of(HS256, None), &payload)?;
                let mut mac = secret
                    .mac()
                    .ok_or_else(|| KeyError::Sign("no MAC for this secret".to_owned()))?;
                mac.update(signed.as_bytes());
                Ok(format!("{signed}.{}", encode(mac.finalize().into_bytes())))
            }
        }
    }
}

fn signed_part(header: &Header, payload: &Payload) -> Result<String, KeyError> {
    let failed = |error: serde_json::Error| KeyError::Sign(error.to_string());
    let header = serde_json::to_vec(header).map_err(failed)?;
    let payload = serde_json::to_vec(payload).map_err(failed)?;
    Ok(format!("{}.{}", encode(header), encode(payload)))
}

/// Returns the thumbprint of the public half (RFC 7638, RFC 8037 A.3).
fn thumbprint(pair: &KeyPair) -> String {
    let key = encode(*pair.pk);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{key}"}}"#);
    encode(Sha256::digest(jwk))
}

#[cfg(test)]
mod tests {
    use ed25519_compact::Seed;

    use super::*;
    use crate::compact::decode;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // The private key of its example A.1.
        let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pair = KeyPair::from_seed(Seed::from_slice(&seed).unwrap());
        assert_eq!(
            thumbprint(&pair),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
