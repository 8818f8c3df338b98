//! Private keys, by what they are and not by what they are called.
//!
//! Programs write PKCS#1, SEC1 and PKCS#8 under each other's labels, and Go, so kubectl,
//! tries one after the other. Envoy and the TLS library here believe the label.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

/// The object identifier of the curve P-521 (1.3.132.0.35) in DER.
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// What an Ed25519 key begins with in version 2 of PKCS#8, which holds the public key,
/// too (RFC 5958): behind the length there is the version, the algorithm and the key's
/// own header.
const ED25519_V2: &[u8] = &[
    0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The same in version 1, from its first byte on. Envoy takes no other.
const ED25519_V1: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Length of an Ed25519 seed.
const ED25519_BYTES: usize = 32;

/// Columns of a line of PEM (RFC 7468 2).
const PEM_LINE: usize = 64;

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// There is none in the text.
    Absent,
    /// It is under a passphrase.
    Encrypted,
}

/// Returns the first private key of a PEM text, under the label of its contents, and
/// nothing else of the text.
pub(super) fn read(pem: &str) -> Result<String, NoKey> {
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(NoKey::Encrypted);
    }
    let labelled = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoKey::Absent)?;
    let der = labelled.secret_der();
    let label = match PrivateKeyDer::try_from(der) {
        Ok(PrivateKeyDer::Pkcs1(_)) => "RSA PRIVATE KEY",
        Ok(PrivateKeyDer::Sec1(_)) => "EC PRIVATE KEY",
        Ok(PrivateKeyDer::Pkcs8(_)) => "PRIVATE KEY",
        Ok(_) | Err(_) => return Err(NoKey::Absent),
    };
    Ok(match ed25519_seed(der) {
        Some(seed) => write(label, &[ED25519_V1, seed].concat()),
        None => write(label, der),
    })
}

/// Returns whether a PEM key is one on the curve P-521.
pub(crate) fn is_p521(pem: &str) -> bool {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).is_ok_and(|key| {
        key.secret_der()
            .windows(P521.len())
            .any(|part| part == P521)
    })
}

/// Returns the private half of an Ed25519 key in version 2 of PKCS#8.
fn ed25519_seed(der: &[u8]) -> Option<&[u8]> {
    // SEQUENCE, and one byte of length.
    let rest = der.get(2..)?.strip_prefix(ED25519_V2)?;
    rest.get(..ED25519_BYTES)
}

fn write(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    let encoded = STANDARD.encode(der);
    let mut rest = encoded.as_str();
    while let Some((line, more)) = rest.split_at_checked(PEM_LINE) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        pem.push_str(rest);
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ED25519};

    use super::*;

    /// A key of each form as OpenSSL writes it, under its own label.
    fn mk_key(args: &[&str]) -> String {
        let made = std::process::Command::new("openssl")
            .args(args)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap()
    }

    fn first_line(pem: &str) -> &str {
        pem.lines().next().unwrap()
    }

    #[test]
    fn a_key_gets_the_label_of_what_it_is() {
        let rsa = mk_key(&["genrsa", "-traditional", "2048"]);
        let ec = mk_key(&["ecparam", "-name", "prime256v1", "-genkey"]);
        let pkcs8 = mk_key(&["genpkey", "-algorithm", "ed25519"]);
        assert!(ec.starts_with("-----BEGIN EC PARAMETERS-----"));
        for (pem, own) in [
            (&rsa, "RSA PRIVATE KEY"),
            (&ec, "EC PRIVATE KEY"),
            (&pkcs8, "PRIVATE KEY"),
        ] {
            let right = read(pem).unwrap();
            assert_eq!(first_line(&right), format!("-----BEGIN {own}-----"));
            for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
                let wrong = pem.replace(&format!(" {own}-----"), &format!(" {label}-----"));
                assert_eq!(read(&wrong).unwrap(), right, "{own} under {label}");
            }
        }
        assert_eq!(read(&pkcs8).unwrap(), pkcs8);
    }

    #[test]
    fn an_ed25519_key_leaves_its_public_half_behind() {
        let with_public = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        assert!(with_public.serialize_der().len() > 48);
        let pem = read(&with_public.serialize_pem()).unwrap();
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(der.secret_der().len(), 48);
        let again = KeyPair::try_from(&der).unwrap();
        assert_eq!(again.public_key_pem(), with_public.public_key_pem());
    }

    #[test]
    fn what_is_no_key_or_not_to_be_read_is_told_apart() {
        let locked = mk_key(&[
            "genpkey",
            "-algorithm",
            "ed25519",
            "-aes256",
            "-pass",
            "pass:secret",
        ]);
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(read(&locked), Err(NoKey::Encrypted));
        assert_eq!(read(traditional), Err(NoKey::Encrypted));
        let hollow = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for pem in ["", "junk", hollow] {
            assert_eq!(read(pem), Err(NoKey::Absent), "{pem}");
        }
    }

    #[test]
    fn a_key_on_the_largest_curve_is_known_in_each_form() {
        let sec1 = mk_key(&["ecparam", "-name", "secp521r1", "-genkey", "-noout"]);
        let pkcs8 = mk_key(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-521",
        ]);
        assert!(is_p521(&sec1) && is_p521(&pkcs8));
        assert!(!is_p521(&mk_key(&[
            "ecparam",
            "-name",
            "secp384r1",
            "-genkey"
        ])));
    }
}
