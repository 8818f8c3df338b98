//! Whom the system trusts, for API servers whose kubeconfig brings no CA.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// See [`trust_system_ca`].
static SYSTEM_CA: OnceLock<PathBuf> = OnceLock::new();

/// Names the CA bundle (a PEM file, read for each client anew) that proves API servers
/// whose kubeconfig brings none, for all of this process; the first name stays. Without
/// it they are proven as the platform does it.
pub fn trust_system_ca(path: PathBuf) {
    let _ = SYSTEM_CA.set(path);
}

/// Returns whether a bundle was named.
pub fn knows_system_ca() -> bool {
    SYSTEM_CA.get().is_some()
}

/// Returns the certificates of the bundle, if one was named; what the TLS library cannot use of
/// it is left out, as everywhere.
pub(crate) fn roots() -> Result<Option<Vec<Vec<u8>>>, String> {
    let Some(path) = SYSTEM_CA.get() else {
        return Ok(None);
    };
    let pem = fs::read(path)
        .map_err(|error| format!("the CA bundle {} cannot be read: {error}", path.display()))?;
    let is_usable = |certificate: &CertificateDer<'_>| {
        RootCertStore::empty()
            .add(certificate.clone().into_owned())
            .is_ok()
    };
    let roots = CertificateDer::pem_slice_iter(&pem)
        .flatten()
        .filter(is_usable)
        .map(|certificate| certificate.to_vec());
    Ok(Some(roots.collect()))
}
