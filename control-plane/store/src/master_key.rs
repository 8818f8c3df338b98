//! The one secret that the database itself never holds.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;
use thiserror::Error;

/// How long a master key is.
pub const MASTER_KEY_BYTES: usize = 32;

/// 32 random bytes, kept beside the database with mode 0600. From it the store
/// derives one subkey per purpose, so that no key serves two. Its `Debug` form
/// hides it.
#[derive(Clone)]
pub struct MasterKey([u8; MASTER_KEY_BYTES]);

/// Why bytes are no master key.
#[derive(Debug, Error)]
pub enum MasterKeyError {
    /// A file of another length.
    #[error(
        "a master key has {MASTER_KEY_BYTES} bytes, not {0}; put back the file that was made at the first start"
    )]
    Length(usize),
    /// The system gives no randomness.
    #[error("the system's random number generator failed: {0}")]
    Random(String),
}

/// What a subkey is for; the label makes the subkeys independent.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Seals cluster credentials.
    ClusterCredential,
    /// The pepper under the hash of access-key secrets.
    AccessKeySecret,
    /// Tells whether a database belongs to this master key.
    Check,
    /// Makes the passes by which Envoy's routes know the filter's requests.
    RoutePass,
}

// === impl MasterKey ===

impl MasterKey {
    /// Takes the bytes of a key file.
    ///
    /// # Errors
    /// [`MasterKeyError::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MasterKeyError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| MasterKeyError::Length(bytes.len()))
    }

    /// Makes a new one.
    ///
    /// # Errors
    /// [`MasterKeyError::Random`].
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = [0; MASTER_KEY_BYTES];
        SysRng
            .try_fill_bytes(&mut bytes)
            .map_err(|error| MasterKeyError::Random(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// Returns the bytes, to write them to the key file.
    pub fn as_bytes(&self) -> &[u8; MASTER_KEY_BYTES] {
        &self.0
    }

    pub(crate) fn subkey(&self, purpose: Purpose) -> [u8; 32] {
        mac(&self.0, &[purpose.label()])
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

// === impl Purpose ===

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::ClusterCredential => b"cubegate/v1/cluster-credential",
            Self::AccessKeySecret => b"cubegate/v1/access-key-secret",
            Self::Check => b"cubegate/v1/check",
            Self::RoutePass => b"cubegate/v1/route-pass",
        }
    }
}

/// HMAC-SHA256 over `parts`, each followed by a zero byte so that no two lists
/// of parts without zero bytes have the same input.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC fills a key up to its block with zeros (RFC 2104 section 2), so this
    // is the key itself; the constructor for whole blocks cannot fail.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subkeys_differ_by_purpose_and_by_master_key() {
        let one = MasterKey::from_bytes(&[1; 32]).unwrap();
        let two = MasterKey::from_bytes(&[2; 32]).unwrap();
        assert_ne!(
            one.subkey(Purpose::Check),
            one.subkey(Purpose::AccessKeySecret)
        );
        assert_ne!(one.subkey(Purpose::Check), two.subkey(Purpose::Check));
    }

    #[test]
    fn the_padded_key_is_the_key() {
        let mut expected = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        expected.update(b"a\0");
        assert_eq!(
            mac(&[7; 32], &[b"a"]),
            <[u8; 32]>::from(expected.finalize().into_bytes())
        );
    }

    #[test]
    fn another_length_is_refused() {
        assert!(matches!(
            MasterKey::from_bytes(&[0; 31]),
            Err(MasterKeyError::Length(31))
        ));
    }
}
