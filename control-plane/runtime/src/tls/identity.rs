//! The control plane's own certificate, renewed while it serves.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::pki::{CONTROL_PLANE_NAME, Ca};

/// How long to wait after a renewal has failed.
const RETRY: Duration = Duration::from_secs(60);

/// The certificate that is shown, and what makes the next one.
#[derive(Debug)]
pub(crate) struct Identity {
    authority: watch::Receiver<Ca>,
    names: Vec<String>,
    lifetime: time::Duration,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Shown>,
}

/// What a handshake takes.
#[derive(Debug)]
struct Shown {
    /// When the certificate ends, in Unix seconds.
    expires_at: Option<i64>,
    xds: Arc<ServerConfig>,
    api: Arc<ServerConfig>,
}

// === impl Identity ===

impl Identity {
    /// A certificate for [`CONTROL_PLANE_NAME`] and these names.
    pub(crate) fn new(
        authority: watch::Receiver<Ca>,
        names: Vec<String>,
        lifetime: time::Duration,
    ) -> anyhow::Result<Arc<Self>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let first = issue(&authority.borrow(), &names, lifetime, &provider)?;
        Ok(Arc::new(Self {
            authority,
            names,
            lifetime,
            provider,
            shown: RwLock::new(first),
        }))
    }

    /// TLS for the next connection, which asks clients for a certificate of the CA. For
    /// `envoys_only`, the port of xDS, nobody comes in without.
    pub(crate) fn server_config(&self, envoys_only: bool) -> Arc<ServerConfig> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(match envoys_only {
            true => &shown.xds,
            false => &shown.api,
        })
    }

    /// The CA, also after it was replaced.
    pub(crate) fn authority(&self) -> watch::Receiver<Ca> {
        self.authority.clone()
    }

    /// Returns when the certificate that is shown now ends, in Unix seconds.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.expires_at
    }

    fn renew(&self, ca: &Ca) -> anyhow::Result<()> {
        let next = issue(ca, &self.names, self.lifetime, &self.provider)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

/// Renews the certificate after two thirds of its life and whenever the CA is replaced, again
/// and again. Connections that there are go on with what they began with.
pub(crate) async fn keep_fresh(identity: Arc<Identity>) {
    let lifetime = identity.lifetime.unsigned_abs();
    let mut authority = identity.authority();
    loop {
        tokio::select! {
            () = sleep(lifetime * 2 / 3) => {}
            Ok(()) = authority.changed() => {}
        }
        loop {
            let ca = authority.borrow_and_update().clone();
            let Err(error) = identity.renew(&ca) else {
                break;
            };
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
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Shown> {
    let mut all = vec![CONTROL_PLANE_NAME.to_owned()];
    all.extend(names.iter().cloned());
    let certified = ca.server("Cubegate control plane", all, lifetime)?;
    let certificate = CertificateDer::from_pem_slice(certified.certificate_pem.as_bytes())?;
    let expires_at = crate::pki::ends(&certificate);
    let key = PrivateKeyDer::from_pem_slice(certified.key_pem.as_bytes())?;
    let certified = CertifiedKey::from_der(vec![certificate], key, provider)
        .context("the control plane's certificate cannot be used")?;
    let certified = Arc::new(SingleCertAndKey::from(certified));
    let mut roots = RootCertStore::empty();
    for trusted in CertificateDer::pem_slice_iter(ca.certificate_pem().as_bytes()) {
        roots.add(trusted?)?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let config = |verifier, protocol: &[u8]| -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&certified) as _);
        config.alpn_protocols = vec![protocol.to_vec()];
        // A session that is resumed shows the certificate of its beginning.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    };
    let open = verifier.clone().allow_unauthenticated();
    Ok(Shown {
        expires_at,
        xds: config(verifier.build()?, b"h2")?,
        api: config(open.build()?, b"http/1.1")?,
    })
}
