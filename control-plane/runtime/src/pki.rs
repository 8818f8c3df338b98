//! Certificates that the gateway makes for itself.
//!
//! Two CAs that have nothing to do with each other: the xDS CA signs the control
//! plane's and every Envoy's certificate (what they exchange includes cluster
//! credentials, so both sides must prove themselves); the gateway CA signs the
//! listener's certificate when the operator brings none.
//!
//! The CAs are valid for ten years, the certificates between control plane and Envoys
//! for a month ([`crate::args::NodesArgs`]), and are renewed by themselves.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use cubegate_domain::NodeCertificate;
use cubegate_snapshot::ServingCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::{Duration, OffsetDateTime};
use x509_parser::parse_x509_certificate;

use crate::data_dir::{DataDir, write_file, write_secret};

/// The name in the control plane's certificate. Envoys check it whatever address they
/// connect to.
pub(crate) const CONTROL_PLANE_NAME: &str = "cubegate-xds";

/// What stands before an Envoy's name in its certificate (a URI, as SPIFFE has it).
const NODE_URI: &str = "spiffe://cubegate/envoy/";

/// How long the CAs and the listener's own certificate are valid. They are local to an
/// installation, and made anew by removing the files.
const VALIDITY: Duration = Duration::days(10 * 365);

/// A certificate is valid a little before it was issued: clocks differ.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// A CA in the data directory; clones share it.
#[derive(Clone)]
pub(crate) struct Ca {
    certificate_pem: String,
    certificate_path: PathBuf,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

/// A certificate and its key, both PEM.
pub(crate) struct Certified {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

// === impl Ca ===

impl Ca {
    /// The CA of the xDS connection.
    pub(crate) fn xds(data: &DataDir) -> anyhow::Result<Self> {
        Self::open(data, "xds-ca", "Cubegate xDS CA")
    }

    /// The CA of the listener's own certificate.
    pub(crate) fn gateway(data: &DataDir) -> anyhow::Result<Self> {
        Self::open(data, "gateway-ca", "Cubegate gateway CA")
    }

    fn open(data: &DataDir, file: &str, common_name: &str) -> anyhow::Result<Self> {
        let folder = data.folder("pki")?;
        let certificate_path = folder.join(format!("{file}.crt"));
        let key_path = folder.join(format!("{file}.key"));
        if !certificate_path.exists() || !key_path.exists() {
            let key = KeyPair::generate()?;
            let now = OffsetDateTime::now_utc();
            let mut params = params(common_name, Vec::new(), now, now + VALIDITY)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let certificate = params.self_signed(&key)?;
            write_secret(&key_path, key.serialize_pem().as_bytes())?;
            write_file(&certificate_path, certificate.pem().as_bytes(), 0o644)?;
        }
        let certificate_pem = read(&certificate_path)?;
        let key = KeyPair::from_pem(&read(&key_path)?)
            .with_context(|| format!("{} is no private key", key_path.display()))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)
            .with_context(|| format!("{} is no CA certificate", certificate_path.display()))?;
        Ok(Self {
            certificate_pem,
            certificate_path,
            issuer: Arc::new(issuer),
        })
    }

    /// The CA's certificate.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Where the CA's certificate lies.
    pub(crate) fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// Until when the CA is valid.
    pub(crate) fn expires_at(&self) -> anyhow::Result<OffsetDateTime> {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())?;
        let (_, certificate) = parse_x509_certificate(&certificate)?;
        Ok(certificate.validity().not_after.to_datetime())
    }

    /// Issues a server certificate for these DNS names and addresses.
    pub(crate) fn server(
        &self,
        name: &str,
        names: Vec<String>,
        validity: Duration,
    ) -> anyhow::Result<Certified> {
        let now = OffsetDateTime::now_utc();
        let mut params = params(name, names, now, now + validity)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// Issues the certificate of an Envoy.
    pub(crate) fn node(&self, node: &NodeCertificate) -> anyhow::Result<Certified> {
        self.issue(node_params(node)?)
    }

    /// Issues the certificate of an Envoy that has made its key itself. Nothing but the
    /// key of its request (PEM) counts.
    pub(crate) fn node_with_key(
        &self,
        node: &NodeCertificate,
        request: &str,
    ) -> anyhow::Result<String> {
        let mut request = CertificateSigningRequestParams::from_pem(request)?;
        request.params = leaf(node_params(node)?);
        Ok(request.signed_by(self.issuer.as_ref())?.pem())
    }

    /// Whether the CA has signed this certificate (DER).
    pub(crate) fn has_signed(&self, certificate: &[u8]) -> bool {
        let Ok(ca) = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()) else {
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

    fn issue(&self, params: CertificateParams) -> anyhow::Result<Certified> {
        let key = KeyPair::generate()?;
        let certificate = leaf(params).signed_by(&key, self.issuer.as_ref())?;
        Ok(Certified {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

/// What a certificate (DER) says of an Envoy; `None` when it is not that of one.
pub(crate) fn read_node(certificate: &[u8]) -> Option<NodeCertificate> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let node = names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            x509_parser::extensions::GeneralName::URI(uri) => uri.strip_prefix(NODE_URI),
            _ => None,
        })?;
    cubegate_domain::check_node_name(node).ok()?;
    let validity = certificate.validity();
    Some(NodeCertificate {
        node: node.to_owned(),
        issued_at: validity.not_before.to_datetime() + CLOCK_SKEW,
        expires_at: validity.not_after.to_datetime(),
    })
}

fn node_params(node: &NodeCertificate) -> anyhow::Result<CertificateParams> {
    let mut params = params(&node.node, Vec::new(), node.issued_at, node.expires_at)?;
    let uri = format!("{NODE_URI}{}", node.node);
    params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// What certificates have in common that are no CA's.
fn leaf(mut params: CertificateParams) -> CertificateParams {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({})", self.certificate_path.display())
    }
}

/// The listener's certificate: the operator's, or one of our own for the address
/// that clients connect to.
pub(crate) fn serving_certificate(
    data: &DataDir,
    given: Option<(&Path, &Path)>,
    listen: IpAddr,
) -> anyhow::Result<ServingCertificate> {
    if let Some((certificate, key)) = given {
        return Ok(ServingCertificate {
            certificate_pem: read(certificate)?,
            key_pem: read(key)?,
        });
    }
    let ca = Ca::gateway(data)?;
    let folder = data.folder("pki")?;
    // A certificate per address: another --listen makes another one.
    let file = format!("gateway-{}", listen.to_string().replace(':', "-"));
    let certificate_path = folder.join(format!("{file}.crt"));
    let key_path = folder.join(format!("{file}.key"));
    if !certificate_path.exists() || !key_path.exists() {
        let mut names = vec![
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
            "::1".to_owned(),
        ];
        if !listen.is_unspecified() && !listen.is_loopback() {
            names.push(listen.to_string());
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        if !host.trim().is_empty() && host.trim() != "localhost" {
            names.push(host.trim().to_owned());
        }
        let certified = ca.server("Cubegate gateway", names, VALIDITY)?;
        write_secret(&key_path, certified.key_pem.as_bytes())?;
        write_file(
            &certificate_path,
            certified.certificate_pem.as_bytes(),
            0o644,
        )?;
    }
    Ok(ServingCertificate {
        certificate_pem: read(&certificate_path)?,
        key_pem: read(&key_path)?,
    })
}

fn params(
    common_name: &str,
    names: Vec<String>,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = issued_at - CLOCK_SKEW;
    params.not_after = expires_at;
    Ok(params)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn mk_node() -> NodeCertificate {
        let issued_at = OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap();
        NodeCertificate {
            node: "edge-1".to_owned(),
            issued_at,
            expires_at: issued_at + Duration::days(30),
        }
    }

    #[test]
    fn what_is_issued_for_an_envoy_says_whose_it_is_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let (ca, other) = (Ca::xds(&data).unwrap(), Ca::gateway(&data).unwrap());
        let certified = ca.node(&mk_node()).unwrap();
        let certificate = der(&certified.certificate_pem);
        assert_eq!(read_node(&certificate), Some(mk_node()));
        assert!(ca.has_signed(&certificate) && !other.has_signed(&certificate));
        assert!(ca.expires_at().unwrap() > OffsetDateTime::now_utc() + VALIDITY - CLOCK_SKEW);

        let server = ca.server("x", vec!["edge-1".to_owned()], Duration::days(1));
        assert_eq!(read_node(&der(&server.unwrap().certificate_pem)), None);
    }

    #[test]
    fn of_a_request_nothing_counts_but_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let ca = Ca::xds(&data).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut wanted = CertificateParams::new(vec![CONTROL_PLANE_NAME.to_owned()]).unwrap();
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let request = wanted.serialize_request(&key).unwrap().pem().unwrap();
        let pem = ca.node_with_key(&mk_node(), &request).unwrap();
        let certificate = der(&pem);
        assert_eq!(read_node(&certificate), Some(mk_node()));
        let (_, certificate) = parse_x509_certificate(&certificate).unwrap();
        assert!(!certificate.is_ca());
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth);
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 1);
        assert!(ca.node_with_key(&mk_node(), "no request").is_err());
    }
}
