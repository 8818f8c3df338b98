//! Certificates that the gateway makes for itself.
//!
//! Two CAs that have nothing to do with each other: the xDS CA signs the control
//! plane's and every Envoy's certificate (what they exchange includes cluster
//! credentials, so both sides must prove themselves); the gateway CA signs the
//! listener's certificate when the operator brings none.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cubegate_snapshot::ServingCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::data_dir::{DataDir, write_file, write_secret};

/// The name in the control plane's xDS certificate. Envoys check it whatever
/// address they connect to.
pub(crate) const XDS_SERVER_NAME: &str = "cubegate-xds";

/// How long certificates are valid. They are local to an installation, and made
/// anew by removing the files.
const VALIDITY: Duration = Duration::days(10 * 365);

/// A CA in the data directory.
pub(crate) struct Ca {
    certificate_pem: String,
    certificate_path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
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
            let mut params = params(common_name, Vec::new())?;
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
            issuer,
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

    /// Issues a server certificate for these DNS names and addresses.
    pub(crate) fn server(&self, name: &str, names: Vec<String>) -> anyhow::Result<Certified> {
        self.issue(name, names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a client certificate.
    pub(crate) fn client(&self, name: &str) -> anyhow::Result<Certified> {
        self.issue(name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        name: &str,
        names: Vec<String>,
        usage: ExtendedKeyUsagePurpose,
    ) -> anyhow::Result<Certified> {
        let key = KeyPair::generate()?;
        let mut params = params(name, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Certified {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
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
        let certified = ca.server("Cubegate gateway", names)?;
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

fn params(common_name: &str, names: Vec<String>) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + VALIDITY;
    Ok(params)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
