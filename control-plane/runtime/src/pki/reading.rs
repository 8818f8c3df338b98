//! What certificates say, whoever has issued them.

use cubegate_domain::NodeCertificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Returns when a certificate (DER) ends, in Unix seconds.
pub(crate) fn ends(certificate: &[u8]) -> Option<i64> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// The same of the first certificate of a chain in PEM.
pub(crate) fn ends_pem(chain: &str) -> Option<i64> {
    ends(&CertificateDer::from_pem_slice(chain.as_bytes()).ok()?)
}

/// Returns what a certificate (DER) says of an Envoy; `None` when it is not that of one.
pub(crate) fn read_node(certificate: &[u8]) -> Option<NodeCertificate> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let node = names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix(super::NODE_URI),
            _ => None,
        })?;
    cubegate_domain::check_node_name(node).ok()?;
    let validity = certificate.validity();
    Some(NodeCertificate {
        node: node.to_owned(),
        issued_at: validity.not_before.to_datetime() + super::CLOCK_SKEW,
        expires_at: validity.not_after.to_datetime(),
    })
}

/// Returns each certificate of a PEM text, as it stands there.
pub(crate) fn blocks(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let block = |part: &str| {
        let (_, body) = part.split_once("-----BEGIN CERTIFICATE-----")?;
        Some(format!("-----BEGIN CERTIFICATE-----{body}{END}\n"))
    };
    pem.split(END).filter_map(block).collect()
}

/// Returns whether the key of a CA's certificate (PEM) has signed this one (DER).
pub(super) fn is_signed(certificate: &[u8], ca_pem: &str) -> bool {
    let Ok(ca) = CertificateDer::from_pem_slice(ca_pem.as_bytes()) else {
        return false;
    };
    let (Ok((_, ca)), Ok((_, certificate))) = (
        parse_x509_certificate(&ca),
        parse_x509_certificate(certificate),
    ) else {
        return false;
    };
    certificate.verify_signature(Some(ca.public_key())).is_ok()
}

pub(super) fn is_of_key(certificate_pem: &str, public_key: &[u8]) -> bool {
    let Ok(certificate) = CertificateDer::from_pem_slice(certificate_pem.as_bytes()) else {
        return false;
    };
    parse_x509_certificate(&certificate)
        .is_ok_and(|(_, certificate)| certificate.public_key().raw == public_key)
}
