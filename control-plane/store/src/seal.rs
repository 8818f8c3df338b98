//! What the master key protects: cluster credentials (sealed) and the secrets of
//! access keys (hashed).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use cubegate_domain::ClusterCredential;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::StoreError;
use crate::master_key::{MasterKey, Purpose, mac};

const NONCE_BYTES: usize = 12;

/// The subkeys, ready for use.
pub(crate) struct Sealer {
    cipher: ChaCha20Poly1305,
    pepper: [u8; 32],
    check: [u8; 32],
}

/// The plaintext of a sealed credential.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Plain {
    None,
    ClientCertificate {
        certificate_pem: String,
        key_pem: String,
    },
    BearerToken(String),
}

// === impl Sealer ===

impl Sealer {
    pub(crate) fn new(key: &MasterKey) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(&key.subkey(Purpose::ClusterCredential).into()),
            pepper: key.subkey(Purpose::AccessKeySecret),
            check: key.subkey(Purpose::Check),
        }
    }

    /// What the database keeps to recognise the master key by.
    pub(crate) fn check(&self) -> String {
        hex(&mac(&self.check, &[b"belongs"]))
    }

    /// The hash of an access key's secret. Both halves go in, so that a hash
    /// cannot be moved to another key. Our secrets carry 122 random bits, which
    /// nobody guesses however fast the hash is: a slow one would only make every
    /// token cost a tenth of a second.
    pub(crate) fn hash_secret(&self, access_key: &str, secret: &str) -> String {
        hex(&mac(
            &self.pepper,
            &[access_key.as_bytes(), secret.as_bytes()],
        ))
    }

    /// Whether `secret` belongs to the hash, in constant time.
    pub(crate) fn secret_matches(&self, access_key: &str, secret: &str, hash: &str) -> bool {
        self.hash_secret(access_key, secret)
            .as_bytes()
            .ct_eq(hash.as_bytes())
            .into()
    }

    /// Encrypts a credential for the cluster `name`: nonce and ciphertext in hex.
    pub(crate) fn seal(
        &self,
        name: &str,
        credential: &ClusterCredential,
    ) -> Result<String, StoreError> {
        let random = |error: &dyn std::fmt::Display| StoreError::Random(error.to_string());
        let plain = serde_json::to_vec(&Plain::from(credential)).map_err(|error| random(&error))?;
        let mut nonce = [0; NONCE_BYTES];
        SysRng
            .try_fill_bytes(&mut nonce)
            .map_err(|error| random(&error))?;
        let payload = Payload {
            msg: &plain,
            aad: name.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|error| random(&error))?;
        Ok(hex(&nonce) + &hex(&sealed))
    }

    /// The credential again; `None` when it was not sealed by this key for this name.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Option<ClusterCredential> {
        let bytes = unhex(sealed)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: name.as_bytes(),
        };
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()?;
        serde_json::from_slice::<Plain>(&plain).ok().map(Into::into)
    }
}

// === impl Plain ===

impl From<&ClusterCredential> for Plain {
    fn from(credential: &ClusterCredential) -> Self {
        match credential {
            ClusterCredential::None => Self::None,
            ClusterCredential::ClientCertificate {
                certificate_pem,
                key_pem,
            } => Self::ClientCertificate {
                certificate_pem: certificate_pem.clone(),
                key_pem: key_pem.clone(),
            },
            ClusterCredential::BearerToken(token) => Self::BearerToken(token.clone()),
        }
    }
}

impl From<Plain> for ClusterCredential {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::None => Self::None,
            Plain::ClientCertificate {
                certificate_pem,
                key_pem,
            } => Self::ClientCertificate {
                certificate_pem,
                key_pem,
            },
            Plain::BearerToken(token) => Self::BearerToken(token),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .map(|c| c.to_digit(16))
        .collect::<Option<Vec<_>>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(high * 16 + low).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&MasterKey::from_bytes(&[byte; 32]).unwrap())
    }

    #[test]
    fn a_sealed_credential_opens_under_its_own_key_and_name_only() {
        let credential = ClusterCredential::BearerToken("s3cret".to_owned());
        let sealed = sealer(1).seal("member-1", &credential).unwrap();
        assert_eq!(
            sealer(1).open("member-1", &sealed),
            Some(credential.clone())
        );
        assert_eq!(sealer(1).open("member-2", &sealed), None);
        assert_eq!(sealer(2).open("member-1", &sealed), None);
        assert_ne!(
            sealed,
            sealer(1).seal("member-1", &credential).unwrap(),
            "nonce used twice"
        );
    }

    #[test]
    fn damaged_text_opens_as_nothing() {
        let sealed = sealer(1).seal("a", &ClusterCredential::None).unwrap();
        let flipped = if sealed.ends_with('0') { "1" } else { "0" };
        let mut damaged = sealed.clone();
        damaged.pop();
        assert_eq!(sealer(1).open("a", &damaged), None);
        damaged.push_str(flipped);
        assert_eq!(sealer(1).open("a", &damaged), None);
        for text in ["", "00", "zz", "é"] {
            assert_eq!(sealer(1).open("a", text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_hash_belongs_to_one_key() {
        let hash = sealer(1).hash_secret("ak", "sk");
        assert!(sealer(1).secret_matches("ak", "sk", &hash));
        assert!(!sealer(1).secret_matches("ak", "sk2", &hash));
        assert!(!sealer(1).secret_matches("ak2", "sk", &hash));
        assert!(!sealer(2).secret_matches("ak", "sk", &hash));
    }
}
