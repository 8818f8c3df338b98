//! The certificate of the Envoy of `up`.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use cubegate_domain::NodeCertificate;
use cubegate_store::Store;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep;

use super::NodeFiles;
use crate::bootstrap::{Bootstrap, EnvoyLimits, Warm};
use crate::control_plane::ControlPlane;
use crate::data_dir::DataDir;
use crate::envoy::Slot;
use crate::pki::Ca;

/// How long to wait after a renewal has failed.
const RETRY: Duration = Duration::from_secs(60);

/// A certificate tells when it was issued in seconds: in the second of the CA's key itself, it
/// would be taken for one of the CA before.
const SECOND: Duration = Duration::from_secs(1);

/// How often the time is looked at: a machine may have slept.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// The Envoy of `up`, as the control plane knows it.
pub(crate) struct LocalNode {
    name: String,
    files: NodeFiles,
    authority: watch::Receiver<Ca>,
    lifetime: time::Duration,
}

// === impl LocalNode ===

impl LocalNode {
    /// Nothing is made yet.
    pub(crate) fn new(
        data: &DataDir,
        authority: watch::Receiver<Ca>,
        lifetime: time::Duration,
    ) -> anyhow::Result<Self> {
        // Several control planes on one database have an Envoy each.
        let mut digest = Sha256::new_with_prefix(authority.borrow().own_pem());
        if data.keys().are_shared() {
            digest.update(fs::read("/proc/sys/kernel/hostname").unwrap_or_default());
            digest.update(data.path().as_os_str().as_encoded_bytes());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let (short, _) = digest.split_at(4);
        let short = hex::encode(short);
        let folder = data.folder("envoy")?.join("xds");
        for old in ["envoy.crt", "envoy.key"] {
            // Of earlier versions: good for ten years, and for every name.
            let _ = fs::remove_file(data.folder("pki")?.join(old));
        }
        let files = NodeFiles::new(folder);
        // With another CA it stays the same Envoy.
        let present = files.read_identity().ok().map(|(_, present)| present.node);
        let present = present.filter(|name| name.starts_with("up-"));
        Ok(Self {
            name: present.unwrap_or_else(|| format!("up-{short}")),
            files,
            authority,
            lifetime,
        })
    }

    /// Returns what Envoy is started with.
    pub(crate) fn bootstrap(
        &self,
        control_plane: &ControlPlane,
        (admin, metrics): (SocketAddr, SocketAddr),
        limits: EnvoyLimits,
        slot: Slot,
        warm: &Warm<'_>,
    ) -> anyhow::Result<String> {
        Bootstrap {
            node_id: &self.name,
            xds_addresses: &[control_plane.xds_address().to_string()],
            api_addresses: &[control_plane.api_address().to_string()],
            admin,
            metrics: Some(metrics),
            limits,
            files: &self.files,
            cluster: slot.node_cluster(),
            warm: Some(warm.clone()),
        }
        .to_yaml()
    }

    /// Makes a new certificate unless there is one that is good for a while.
    pub(crate) async fn renew_if_due(&self, store: &Store) -> anyhow::Result<NodeCertificate> {
        let now = OffsetDateTime::now_utc();
        let ca = self.authority.borrow().clone();
        let current = self.files.current(&ca, &self.name);
        let is_first = current.is_none();
        let kept = current.filter(|certificate| {
            // With a shorter lifetime than before the old one does not go on.
            now < certificate.renew_at() && certificate.lifetime() <= self.lifetime
        });
        if let Some(certificate) = kept {
            let shut_out = store.list_revoked_nodes().await?;
            if shut_out
                .get(&self.name)
                .is_some_and(|until| certificate.issued_at <= *until)
            {
                bail!(
                    "the Envoy {} of this data directory is shut out; remove {} to let it in with a new certificate",
                    self.name,
                    self.files.folder().display()
                );
            }
            return Ok(certificate);
        }
        let certificate = store
            .issue_node_certificate(&self.name, now, self.lifetime)
            .await?;
        self.files
            .write(&self.files, ca.certificate_pem(), &ca.node(&certificate)?)?;
        // The first one is no news: everything else is new, too.
        if !is_first {
            tracing::info!(
                envoy.node = self.name,
                certificate.expires_at = %certificate.expires_at,
                "Envoy has a new certificate"
            );
        }
        Ok(certificate)
    }

    /// Renews the certificate whenever it is due, and when the CA is replaced.
    pub(crate) async fn keep(&self, store: Store) -> Infallible {
        let mut authority = self.authority.clone();
        loop {
            authority.mark_unchanged();
            let wait = match self.renew_if_due(&store).await {
                Ok(certificate) => {
                    let left = certificate.renew_at() - OffsetDateTime::now_utc();
                    Duration::try_from(left).unwrap_or_default().min(LOOK)
                }
                Err(error) => {
                    let error = crate::output::sentence(&error);
                    tracing::error!(%error, "Envoy's certificate is not renewed");
                    RETRY.min(self.lifetime.unsigned_abs() / 10)
                }
            };
            // A little later than it is due, so that it is.
            tokio::select! {
                () = sleep(wait + Duration::from_millis(10)) => {}
                Ok(()) = authority.changed() => sleep(SECOND).await,
            }
        }
    }
}
