//! Certificates that the gateway makes for itself.
//!
//! Two CAs that have nothing to do with each other: the xDS CA signs the control
//! plane's and every Envoy's certificate (what they exchange includes cluster
//! credentials, so both sides must prove themselves); the gateway CA signs the
//! listener's certificate when the operator brings none.
//!
//! The CAs are valid for ten years, the certificates between control plane and Envoys
//! for a month ([`crate::args::NodesArgs`]), and are renewed by themselves.

mod listener;
mod reading;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use cubegate_domain::NodeCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

pub(crate) use self::listener::{given_certificate, listener_ca, serving_certificate};
pub(crate) use self::reading::{blocks, ends, ends_pem, read_node};
use self::reading::{is_of_key, is_signed};
use crate::data_dir::{write_file, write_secret};
use crate::keys::Keys;

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

/// How the CA between control planes and Envoys is called.
pub(crate) const XDS_CA_NAME: &str = "Cubegate xDS CA";

/// A CA of the installation; clones share it.
#[derive(Clone)]
pub(crate) struct Ca {
    /// All that are trusted: another one as well, while the CA is replaced.
    certificate_pem: String,
    /// The one that signs.
    own_pem: String,
    certificate_path: PathBuf,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

/// A CA that is trusted.
pub(crate) struct Trusted {
    pub(crate) serial: String,
    pub(crate) expires_at: OffsetDateTime,
    /// Whether it signs.
    pub(crate) signs: bool,
}

/// A certificate and its key, both PEM.
pub(crate) struct Certified {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

// === impl Ca ===

impl Ca {
    /// Returns the CA of the xDS connection.
    pub(crate) fn xds(keys: &Keys) -> anyhow::Result<Self> {
        Self::open(keys, "xds-ca", XDS_CA_NAME)
    }

    /// The same of one that is there; none is made.
    pub(crate) fn xds_if_there(keys: &Keys) -> anyhow::Result<Self> {
        Self::xds(&keys.as_they_are())
    }

    /// Reads that CA again, and tells whoever listens when it is another one.
    pub(crate) fn reread_xds(keys: &Keys, told: &watch::Sender<Self>) -> anyhow::Result<bool> {
        let read = Self::xds_if_there(keys)?;
        Ok(told.send_if_modified(|known| {
            let changed = !known.is_same(&read);
            if changed {
                *known = read;
            }
            changed
        }))
    }

    /// Returns the CA of the listener's own certificate.
    pub(crate) fn gateway(keys: &Keys) -> anyhow::Result<Self> {
        Self::open(keys, "gateway-ca", "Cubegate gateway CA")
    }

    fn open(keys: &Keys, file: &str, common_name: &str) -> anyhow::Result<Self> {
        let folder = keys.ca_folder(file)?;
        let certificate_path = folder.join(format!("{file}.crt"));
        let key_path = folder.join(format!("{file}.key"));
        if !certificate_path.exists() || !key_path.exists() {
            let made = make_ca(common_name)?;
            write_secret(&key_path, made.key_pem.as_bytes())?;
            write_file(&certificate_path, made.certificate_pem.as_bytes(), 0o644)?;
        }
        let certificate_pem = read(&certificate_path)?;
        let key = KeyPair::from_pem(&read(&key_path)?)
            .with_context(|| format!("{} is no private key", key_path.display()))?;
        let public = key.subject_public_key_info();
        let own_pem = blocks(&certificate_pem)
            .into_iter()
            .find(|block| is_of_key(block, &public))
            .with_context(|| {
                format!(
                    "{} holds no certificate of the key {}; both come from one backup",
                    certificate_path.display(),
                    key_path.display()
                )
            })?;
        let issuer = Issuer::from_ca_cert_pem(&own_pem, key)
            .with_context(|| format!("{} is no CA certificate", certificate_path.display()))?;
        Ok(Self {
            certificate_pem,
            own_pem,
            certificate_path,
            issuer: Arc::new(issuer),
        })
    }

    /// Returns the CA's certificate, and that of another one while it is replaced.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Returns the certificate of the key that signs.
    pub(crate) fn own_pem(&self) -> &str {
        &self.own_pem
    }

    /// Returns what is trusted.
    pub(crate) fn trusted(&self) -> anyhow::Result<Vec<Trusted>> {
        let trusted = |pem: String| {
            let der = CertificateDer::from_pem_slice(pem.as_bytes())?;
            let (_, certificate) = parse_x509_certificate(&der)?;
            Ok(Trusted {
                serial: certificate.raw_serial_as_string(),
                expires_at: certificate.validity().not_after.to_datetime(),
                signs: pem == self.own_pem,
            })
        };
        blocks(&self.certificate_pem)
            .into_iter()
            .map(trusted)
            .collect()
    }

    /// Returns where the CA's certificate lies.
    pub(crate) fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// Until when the CA is valid.
    pub(crate) fn expires_at(&self) -> anyhow::Result<OffsetDateTime> {
        let certificate = CertificateDer::from_pem_slice(self.own_pem.as_bytes())?;
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

    /// Returns whether the CA has signed this certificate (DER).
    pub(crate) fn has_signed(&self, certificate: &[u8]) -> bool {
        is_signed(certificate, &self.own_pem)
    }

    /// Returns whether one that is trusted has signed this certificate (DER).
    pub(crate) fn trusts(&self, certificate: &[u8]) -> bool {
        blocks(&self.certificate_pem)
            .iter()
            .any(|trusted| is_signed(certificate, trusted))
    }

    /// Returns whether the same are trusted, and the same one signs.
    fn is_same(&self, other: &Self) -> bool {
        self.certificate_pem == other.certificate_pem && self.own_pem == other.own_pem
    }

    /// Returns whether there is a certificate of this CA with all of these names.
    fn covers(&self, certificate: &Path, names: &[String]) -> bool {
        let Ok(certificate) = CertificateDer::from_pem_file(certificate) else {
            return false;
        };
        let Ok((_, parsed)) = parse_x509_certificate(&certificate) else {
            return false;
        };
        let Ok(Some(there)) = parsed.subject_alternative_name() else {
            return false;
        };
        let there = &there.value.general_names;
        let has = |name: &String| {
            there.iter().any(|there| match (there, name.parse()) {
                (GeneralName::IPAddress(bytes), Ok(IpAddr::V4(ip))) => ip.octets() == **bytes,
                (GeneralName::IPAddress(bytes), Ok(IpAddr::V6(ip))) => ip.octets() == **bytes,
                (GeneralName::DNSName(there), Err(_)) => there == name,
                _ => false,
            })
        };
        names.iter().all(has) && self.has_signed(&certificate)
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

/// Makes a CA.
pub(crate) fn make_ca(common_name: &str) -> anyhow::Result<Certified> {
    let key = KeyPair::generate()?;
    let now = OffsetDateTime::now_utc();
    let mut params = params(common_name, Vec::new(), now, now + VALIDITY)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok(Certified {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

fn node_params(node: &NodeCertificate) -> anyhow::Result<CertificateParams> {
    let mut params = params(&node.node, Vec::new(), node.issued_at, node.expires_at)?;
    let uri = format!("{NODE_URI}{}", node.node);
    params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// Returns what certificates have in common that are no CA's.
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
        let keys = Keys::of(None, folder.path());
        let (ca, other) = (Ca::xds(&keys).unwrap(), Ca::gateway(&keys).unwrap());
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
        let ca = Ca::xds(&Keys::of(None, folder.path())).unwrap();
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
