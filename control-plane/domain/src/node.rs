//! Envoys as the control plane knows them: by the name in their certificate.

use thiserror::Error;
use time::{Duration, OffsetDateTime};

/// Longest name of a node.
const MAX_NAME_BYTES: usize = 64;

/// A certificate by which an Envoy is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCertificate {
    /// The Envoy's name, `node.id` of its bootstrap.
    pub node: String,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// Until when it is good.
    pub expires_at: OffsetDateTime,
}

/// An Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its newest certificate.
    pub certificate: NodeCertificate,
    /// Certificates that were issued until then are not taken any more.
    pub revoked_until: Option<OffsetDateTime>,
    /// When it was connected last.
    pub last_seen_at: Option<OffsetDateTime>,
}

/// Why a text is no name of a node.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no name of an Envoy; it has 1 to 64 letters, digits, '.', '-' and '_'")]
pub struct NodeNameError(String);

/// Checks the name of an Envoy. It stands in a certificate as part of a URI.
///
/// # Errors
/// Says what a name may be.
pub fn check_node_name(name: &str) -> Result<(), NodeNameError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let good = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(plain)
        // A URI's path would be another one without it.
        && !name.bytes().all(|byte| byte == b'.');
    good.then_some(())
        .ok_or_else(|| NodeNameError(name.to_owned()))
}

// === impl NodeCertificate ===

impl NodeCertificate {
    /// Returns when it is to be renewed: after two thirds of its life.
    pub fn renew_at(&self) -> OffsetDateTime {
        self.issued_at + self.lifetime() * 2 / 3
    }

    /// Returns how long it is good in all.
    pub fn lifetime(&self) -> Duration {
        self.expires_at - self.issued_at
    }
}

// === impl Node ===

impl Node {
    /// Returns whether its newest certificate is refused.
    pub fn is_revoked(&self) -> bool {
        self.revoked_until
            .is_some_and(|until| self.certificate.issued_at <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_a_uri() {
        for good in ["edge", "edge-1.zone_A", "1"] {
            assert_eq!(check_node_name(good), Ok(()), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", ".", "..", "a/b", "a b", "ä", "a%41", &long] {
            assert!(check_node_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_life() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let certificate = NodeCertificate {
            node: "edge".to_owned(),
            issued_at: at(0),
            expires_at: at(30),
        };
        assert_eq!(certificate.renew_at(), at(20));
        let node = |revoked_until| Node {
            certificate: certificate.clone(),
            revoked_until,
            last_seen_at: None,
        };
        assert!(node(Some(at(0))).is_revoked());
        assert!(!node(Some(at(-1))).is_revoked() && !node(None).is_revoked());
    }
}
