//! TLS settings of the tests' own clients and servers.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A client certificate with its key, PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

/// The crypto library, named here so that none has to be installed for the process.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client that trusts this CA alone (PEM).
///
/// # Errors
/// PEM that cannot be read.
pub fn client_config(ca: &[u8], identity: Option<&Identity>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate.context("the CA cannot be read")?)?;
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = CertificateDer::pem_slice_iter(&identity.certificate)
                .collect::<Result<Vec<_>, _>>()
                .context("the client certificate cannot be read")?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key)
                .context("the client's key cannot be read")?;
            Ok(builder.with_client_auth_cert(chain, key)?)
        }
    }
}

/// Reads a PEM file.
///
/// # Errors
/// A file that cannot be read.
pub fn read_pem(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
