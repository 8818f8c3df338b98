//! The certificate that Envoys show to clients.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use cubegate_snapshot::ServingCertificate;
use rustls::InconsistentKeys;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{Ca, VALIDITY, read};
use crate::data_dir::{DataDir, write_file, write_secret};
use crate::keys::Keys;

/// Returns the listener's certificate: the operator's, or one of our own for the address
/// that clients connect to.
pub(crate) fn serving_certificate(
    data: &DataDir,
    given: Option<(&Path, &Path)>,
    listen: IpAddr,
    public_host: Option<&str>,
) -> anyhow::Result<ServingCertificate> {
    if let Some((certificate, key)) = given {
        return given_certificate(certificate, key);
    }
    let ca = Ca::gateway(data.keys())?;
    let folder = data.folder("pki")?;
    // A certificate per address: another --listen makes another one.
    let file = format!("gateway-{}", listen.to_string().replace(':', "-"));
    let certificate_path = folder.join(format!("{file}.crt"));
    let key_path = folder.join(format!("{file}.key"));
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
    names.extend(public_host.map(str::to_owned));
    if !key_path.exists() || !ca.covers(&certificate_path, &names) {
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

/// Returns the CA that clients have to be told of: ours, unless the operator's certificate was
/// signed by another one. A job may have made that certificate with ours, from shared keys.
pub(crate) fn listener_ca(
    keys: &Keys,
    certificate: &ServingCertificate,
    is_given: bool,
) -> anyhow::Result<Option<String>> {
    if is_given && !keys.are_shared() {
        return Ok(None);
    }
    let ca = Ca::gateway(keys)?;
    let der = CertificateDer::from_pem_slice(certificate.certificate_pem.as_bytes());
    let is_ours = der.is_ok_and(|der| ca.has_signed(&der));
    Ok(is_ours.then(|| ca.certificate_pem().to_owned()))
}

/// Reads the operator's certificate. While it is renewed, one of its files may be newer than
/// the other.
///
/// # Errors
/// Files that cannot be read, and a key of another certificate.
pub(crate) fn given_certificate(
    certificate: &Path,
    key: &Path,
) -> anyhow::Result<ServingCertificate> {
    let (certificate_pem, key_pem) = (read(certificate)?, read(key)?);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate_pem.as_bytes())
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} holds no certificate in PEM", certificate.display()))?;
    if chain.is_empty() {
        bail!("{} holds no certificate in PEM", certificate.display());
    }
    let private = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .with_context(|| format!("{} holds no private key in PEM", key.display()))?;
    let provider = rustls::crypto::ring::default_provider();
    let belongs = CertifiedKey::from_der(chain, private, &provider);
    // Envoy knows more kinds of keys than we do.
    if let Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) = belongs {
        bail!(
            "the key {} is not that of the certificate {}",
            key.display(),
            certificate.display()
        );
    }
    Ok(ServingCertificate {
        certificate_pem,
        key_pem,
    })
}
