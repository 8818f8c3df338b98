//! What the master key protects: cluster credentials (sealed) and the secrets of
//! access keys (hashed).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use cubegate_domain::{Cluster, ClusterCredential};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::StoreError;
use crate::master_key::{MasterKey, Purpose, mac};

const NONCE_BYTES: usize = 12;

/// What a sealed text begins with that is bound to a [`Place`]. Former ones are hex from the
/// first character on.
pub(crate) const BOUND: &str = "2:";

/// What [`Sealer::keep`] is sealed for; no place has these bytes, which begin with a length.
const KEPT: &[u8] = b"kept subkeys";

/// Where a credential is used, and what it must not leave.
pub(crate) struct Place<'a> {
    /// The cluster.
    pub(crate) name: &'a str,
    /// The URL of its server.
    pub(crate) server: String,
    /// Whose certificates the server may have.
    pub(crate) ca_pem: Option<&'a str>,
    /// The name in them.
    pub(crate) server_name: Option<&'a str>,
}

/// The subkeys, ready for use.
pub(crate) struct Sealer {
    cipher: ChaCha20Poly1305,
    pepper: [u8; 32],
    check: [u8; 32],
    route_pass: [u8; 32],
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
    TokenFile {
        file: String,
        token: String,
    },
}

// === impl Sealer ===

impl Sealer {
    pub(crate) fn new(key: &MasterKey) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(&key.subkey(Purpose::ClusterCredential).into()),
            pepper: key.subkey(Purpose::AccessKeySecret),
            check: key.subkey(Purpose::Check),
            route_pass: key.subkey(Purpose::RoutePass),
        }
    }

    /// The same under another master key: what is hashed stays good.
    pub(crate) fn under(&self, key: &MasterKey) -> Self {
        Self {
            pepper: self.pepper,
            route_pass: self.route_pass,
            ..Self::new(key)
        }
    }

    /// Returns, sealed, what would be another one under this key alone.
    pub(crate) fn keep(&self) -> Result<String, StoreError> {
        let kept = [self.pepper, self.route_pass].concat();
        self.encrypt(KEPT, &kept)
    }

    /// Takes what was kept when the master key was replaced; false if it was not sealed by this
    /// one.
    pub(crate) fn take(&mut self, kept: &str) -> bool {
        let Some(bytes) = self.decrypt_bytes(KEPT, kept) else {
            return false;
        };
        match bytes.split_first_chunk::<32>() {
            Some((pepper, rest)) if rest.len() == 32 => {
                self.pepper = *pepper;
                self.route_pass.copy_from_slice(rest);
                true
            }
            _ => false,
        }
    }

    /// Returns what the database keeps to recognise the master key by.
    pub(crate) fn check(&self) -> String {
        hex::encode(mac(&self.check, &[b"belongs"]))
    }

    /// Returns the pass of this period.
    pub(crate) fn route_pass(&self, period: u64) -> String {
        let mac = mac(&self.route_pass, &[period.to_string().as_bytes()]);
        hex::encode(mac.get(..16).unwrap_or(&mac))
    }

    /// Returns the key of the console's forms.
    pub(crate) fn form_key(&self) -> [u8; 32] {
        // No period is written so.
        mac(&self.route_pass, &[b"console forms"])
    }

    /// Returns the proof of who reads a page of the console.
    pub(crate) fn reader_proof(&self, parts: &[&str]) -> String {
        let key = mac(&self.route_pass, &[b"console readers"]);
        let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
        hex::encode(mac(&key, &parts))
    }

    /// Returns the hash of an access key's secret. Both halves go in, so that a hash
    /// cannot be moved to another key. Our secrets carry 122 random bits, which
    /// nobody guesses however fast the hash is: a slow one would only make every
    /// token cost a tenth of a second.
    pub(crate) fn hash_secret(&self, access_key: &str, secret: &str) -> String {
        hex::encode(mac(
            &self.pepper,
            &[access_key.as_bytes(), secret.as_bytes()],
        ))
    }

    /// Returns whether `secret` belongs to the hash, in constant time.
    pub(crate) fn secret_matches(&self, access_key: &str, secret: &str, hash: &str) -> bool {
        self.hash_secret(access_key, secret)
            .as_bytes()
            .ct_eq(hash.as_bytes())
            .into()
    }

    /// Encrypts a credential for where it is used: [`BOUND`], then nonce and ciphertext in
    /// hex. Whoever writes the database, and has not the master key, can neither give it
    /// to another cluster nor lead it to another server.
    pub(crate) fn seal(
        &self,
        place: &Place<'_>,
        credential: &ClusterCredential,
    ) -> Result<String, StoreError> {
        let random = |error: &dyn std::fmt::Display| StoreError::Random(error.to_string());
        let plain = serde_json::to_vec(&Plain::from(credential)).map_err(|error| random(&error))?;
        let sealed = self.encrypt(&place.bytes(), &plain)?;
        Ok(format!("{BOUND}{sealed}"))
    }

    /// Returns what a former release has made.
    #[cfg(test)]
    pub(crate) fn seal_former(&self, name: &str, credential: &ClusterCredential) -> String {
        let plain = serde_json::to_vec(&Plain::from(credential)).unwrap();
        self.encrypt(name.as_bytes(), &plain).unwrap()
    }

    fn encrypt(&self, aad: &[u8], plain: &[u8]) -> Result<String, StoreError> {
        let random = |error: &dyn std::fmt::Display| StoreError::Random(error.to_string());
        let mut nonce = [0; NONCE_BYTES];
        SysRng
            .try_fill_bytes(&mut nonce)
            .map_err(|error| random(&error))?;
        let payload = Payload { msg: plain, aad };
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|error| random(&error))?;
        Ok(hex::encode(nonce) + &hex::encode(sealed))
    }

    /// Returns the credential again; `None` when it was not sealed by this key for this place.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &str) -> Option<ClusterCredential> {
        self.decrypt(&place.bytes(), sealed.strip_prefix(BOUND)?)
    }

    /// The same of a credential that a former release has sealed, for the name alone.
    pub(crate) fn open_former(&self, name: &str, sealed: &str) -> Option<ClusterCredential> {
        self.decrypt(name.as_bytes(), sealed)
    }

    fn decrypt(&self, aad: &[u8], sealed: &str) -> Option<ClusterCredential> {
        let plain = self.decrypt_bytes(aad, sealed)?;
        serde_json::from_slice::<Plain>(&plain).ok().map(Into::into)
    }

    fn decrypt_bytes(&self, aad: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let bytes = hex::decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad,
        };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).ok()
    }
}

// === impl Place ===

impl Place<'_> {
    /// Each part behind its length, so that no two places have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let Self {
            name,
            server,
            ca_pem,
            server_name,
        } = self;
        let mut bytes = Vec::new();
        for part in [Some(*name), Some(server.as_str()), *ca_pem, *server_name] {
            // What is absent is not the same as what is empty.
            bytes.push(u8::from(part.is_some()));
            let part = part.unwrap_or_default().as_bytes();
            bytes.extend(part.len().to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }
}

impl<'a> From<&'a Cluster> for Place<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        Self {
            name: cluster.name.as_str(),
            server: cluster.server.to_string(),
            ca_pem: cluster.tls.ca_pem.as_deref(),
            server_name: cluster.tls.server_name.as_deref(),
        }
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
            ClusterCredential::TokenFile { file, token } => Self::TokenFile {
                file: file.clone(),
                token: token.clone(),
            },
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
            Plain::TokenFile { file, token } => Self::TokenFile { file, token },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&MasterKey::from_bytes(&[byte; 32]).unwrap())
    }

    fn mk_place(name: &str) -> Place<'_> {
        Place {
            name,
            server: "https://10.0.0.1:6443".to_owned(),
            ca_pem: None,
            server_name: None,
        }
    }

    #[test]
    fn a_sealed_credential_opens_under_its_own_key_and_place_only() {
        let credential = ClusterCredential::BearerToken("s3cret".to_owned());
        let place = mk_place("member-1");
        let sealed = sealer(1).seal(&place, &credential).unwrap();
        assert_eq!(sealer(1).open(&place, &sealed), Some(credential.clone()));
        assert_eq!(sealer(2).open(&place, &sealed), None);
        for other in [
            mk_place("member-2"),
            Place {
                server: "https://10.0.0.2:6443".to_owned(),
                ..mk_place("member-1")
            },
            Place {
                server: "http://10.0.0.1:6443".to_owned(),
                ..mk_place("member-1")
            },
            Place {
                ca_pem: Some(""),
                ..mk_place("member-1")
            },
            Place {
                server_name: Some("x"),
                ..mk_place("member-1")
            },
        ] {
            assert_eq!(sealer(1).open(&other, &sealed), None);
        }
        assert_ne!(
            sealed,
            sealer(1).seal(&place, &credential).unwrap(),
            "nonce used twice"
        );
    }

    #[test]
    fn parts_of_a_place_do_not_run_into_each_other() {
        let place = |ca_pem, server_name| Place {
            ca_pem,
            server_name,
            ..mk_place("a")
        };
        let places = [
            place(Some("ab"), Some("c")),
            place(Some("a"), Some("bc")),
            place(Some("abc"), None),
            place(None, Some("abc")),
        ];
        for (at, one) in places.iter().enumerate() {
            for other in places.iter().skip(at + 1) {
                assert_ne!(one.bytes(), other.bytes());
            }
        }
    }

    #[test]
    fn damaged_text_opens_as_nothing() {
        let place = mk_place("a");
        let sealed = sealer(1).seal(&place, &ClusterCredential::None).unwrap();
        let flipped = if sealed.ends_with('0') { "1" } else { "0" };
        let mut damaged = sealed.clone();
        damaged.pop();
        assert_eq!(sealer(1).open(&place, &damaged), None);
        damaged.push_str(flipped);
        assert_eq!(sealer(1).open(&place, &damaged), None);
        for text in ["", "00", "2:", "2:00", "zz", "é"] {
            assert_eq!(sealer(1).open(&place, text), None, "{text}");
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
