//! A client over HTTPS, for what this program asks of other servers than members.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// It keeps connections, and has no time limits of its own.
pub(crate) type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Returns a client that trusts the certificates in this text (PEM), or the system's. `called` is
/// what a message calls the text.
///
/// # Errors
/// Certificates that cannot be used, or none.
pub(crate) fn client(pem: Option<&[u8]>, called: &str) -> anyhow::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(pem, called)?)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    // A body waits for no acknowledgement of the head.
    tcp.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(legacy::Client::builder(TokioExecutor::new()).build(connector))
}

fn roots(pem: Option<&[u8]>, called: &str) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = pem else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unusable = || format!("{called} cannot be used");
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots
            .add(certificate.with_context(unusable)?)
            .with_context(unusable)?;
    }
    if roots.is_empty() {
        bail!("{called} cannot be used: there is no certificate in it");
    }
    Ok(roots)
}
