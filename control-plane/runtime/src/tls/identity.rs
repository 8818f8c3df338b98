//! The control plane's own certificate, renewed while it serves.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::sleep;

use crate::pki::{CONTROL_PLANE_NAME, Ca};

/// How long to wait after a renewal has failed.
const RETRY: Duration = Duration::from_secs(60);

/// The certificate that is shown, and what makes the next one.
#[derive(Debug)]
pub(crate) struct Identity {
    ca: Ca,
    names: Vec<String>,
    lifetime: time::Duration,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Arc<CertifiedKey>>,
}

/// Gives rustls the newest one.
#[derive(Debug)]
struct Newest(Arc<Identity>);

// === impl Identity ===

impl Identity {
    /// A certificate for [`CONTROL_PLANE_NAME`] and these names.
    pub(crate) fn new(
        ca: Ca,
        names: Vec<String>,
        lifetime: time::Duration,
    ) -> anyhow::Result<Arc<Self>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let first = issue(&ca, &names, lifetime, &provider)?;
        Ok(Arc::new(Self {
            ca,
            names,
            lifetime,
            provider,
            shown: RwLock::new(first),
        }))
    }

    /// TLS that asks clients for a certificate of the CA. With `required` nobody comes in
    /// without.
    pub(crate) fn server_config(
        self: &Arc<Self>,
        required: bool,
        protocol: &[u8],
    ) -> anyhow::Result<Arc<ServerConfig>> {
        let mut roots = RootCertStore::empty();
        for trusted in CertificateDer::pem_slice_iter(self.ca.certificate_pem().as_bytes()) {
            roots.add(trusted?)?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&self.provider),
        );
        let verifier = if required {
            verifier
        } else {
            verifier.allow_unauthenticated()
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier.build()?)
            .with_cert_resolver(Arc::new(Newest(Arc::clone(self))));
        config.alpn_protocols = vec![protocol.to_vec()];
        // A session that is resumed shows the certificate of its beginning.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    }

    /// Returns when the certificate that is shown now ends, in Unix seconds.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        crate::pki::ends(shown.cert.first()?)
    }

    fn renew(&self) -> anyhow::Result<()> {
        let next = issue(&self.ca, &self.names, self.lifetime, &self.provider)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

/// Renews the certificate after two thirds of its life, again and again.
pub(crate) async fn keep_fresh(identity: Arc<Identity>) {
    let lifetime = identity.lifetime.unsigned_abs();
    loop {
        sleep(lifetime * 2 / 3).await;
        while let Err(error) = identity.renew() {
            let error = crate::output::sentence(&error);
            tracing::error!(%error, "the control plane's certificate is not renewed");
            sleep(RETRY.min(lifetime / 10)).await;
        }
        tracing::info!("the control plane has a new certificate");
    }
}

fn issue(
    ca: &Ca,
    names: &[String],
    lifetime: time::Duration,
    provider: &CryptoProvider,
) -> anyhow::Result<Arc<CertifiedKey>> {
    let mut all = vec![CONTROL_PLANE_NAME.to_owned()];
    all.extend(names.iter().cloned());
    let certified = ca.server("Cubegate control plane", all, lifetime)?;
    let certificate = CertificateDer::from_pem_slice(certified.certificate_pem.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(certified.key_pem.as_bytes())?;
    let certified = CertifiedKey::from_der(vec![certificate], key, provider)
        .context("the control plane's certificate cannot be used")?;
    Ok(Arc::new(certified))
}

// === impl Newest ===

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.shown.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}
