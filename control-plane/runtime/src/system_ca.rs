//! The CA bundle that proves API servers whose kubeconfig brings none: a certificate that
//! everybody trusts. It is a file of the system, which is renewed with the system.

use std::env;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use tokio::sync::watch;

/// Where systems keep it: Debian, Red Hat, SUSE, Alpine and the BSDs.
const PLACES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How often the file is looked at.
const POLL: Duration = Duration::from_secs(10);

/// Largest bundle, in bytes: it goes to every Envoy. Systems have some 250 KB.
const MAX_BYTES: u64 = 2 << 20;

/// What is sent to Envoys; `None` while there is no bundle that can be used.
pub(crate) type Bundle = Option<Arc<str>>;

/// The bundle's file, looked at again and again.
#[derive(Debug)]
pub(crate) struct SystemCa {
    path: Option<PathBuf>,
    seen: Option<Seen>,
}

/// Which writing of the file was read.
#[derive(Debug, PartialEq)]
struct Seen {
    modified: Option<SystemTime>,
    bytes: u64,
}

// === impl SystemCa ===

impl SystemCa {
    /// The file that was given, or where this system has its own. Clients of the control
    /// plane trust it from now on, too.
    ///
    /// # Errors
    /// A file that was given and cannot be used.
    pub(crate) fn find(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = match given {
            Some(path) => {
                read(path).context("--system-ca cannot be used")?;
                Some(path.to_path_buf())
            }
            None => env::var_os("SSL_CERT_FILE")
                .map(PathBuf::from)
                .into_iter()
                .chain(PLACES.map(PathBuf::from))
                .find(|path| path.is_file()),
        };
        if let Some(path) = &path {
            cubegate_member::trust_system_ca(path.clone());
        }
        Ok(Self { path, seen: None })
    }

    /// Whether there is one.
    ///
    /// # Errors
    /// None, in words for whoever registers a cluster that needs it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            bail!(
                "the kubeconfig has no certificate-authority-data and this system has no CA bundle; give its path with --system-ca"
            );
        };
        read(path).map(drop)
    }

    /// Reads it for the first time.
    pub(crate) fn read(&mut self) -> Bundle {
        self.seen = self.now();
        let path = self.path.as_ref()?;
        match read(path) {
            Ok(bundle) => Some(bundle),
            Err(error) => {
                let error = crate::output::sentence(&error);
                tracing::error!(%error, "clusters without certificate-authority-data are not served");
                None
            }
        }
    }

    /// Reads it whenever it has changed, until nobody listens. While it cannot be read,
    /// Envoys keep what they have.
    pub(crate) async fn follow(mut self, bundle: watch::Sender<Bundle>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => self.look(&bundle),
                () = bundle.closed() => return,
            }
        }
    }

    fn look(&mut self, bundle: &watch::Sender<Bundle>) {
        if self.now() == self.seen {
            return;
        }
        if let Some(new) = self.read() {
            bundle.send_if_modified(|current| {
                let changed = current.as_ref() != Some(&new);
                *current = Some(new);
                changed
            });
        }
    }

    fn now(&self) -> Option<Seen> {
        let metadata: Metadata = fs::metadata(self.path.as_ref()?).ok()?;
        Some(Seen {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Arc<str>> {
    let shown = path.display();
    let bytes = fs::metadata(path)
        .with_context(|| format!("the CA bundle {shown} cannot be read"))?
        .len();
    if bytes > MAX_BYTES {
        bail!("the CA bundle {shown} has {bytes} bytes; at most {MAX_BYTES} can be sent to Envoys");
    }
    let text = fs::read_to_string(path)
        .with_context(|| format!("the CA bundle {shown} cannot be read"))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        bail!("the CA bundle {shown} holds no certificate in PEM");
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_cannot_be_used_is_told_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let refused = |path: &Path| format!("{:#}", SystemCa::find(Some(path)).unwrap_err());
        assert!(refused(&path).contains("cannot be read"));
        fs::write(&path, "junk").unwrap();
        assert!(refused(&path).contains("holds no certificate"));
        fs::write(&path, ONE.repeat(1 << 16)).unwrap();
        assert!(refused(&path).contains("can be sent to Envoys"));
        fs::write(&path, ONE).unwrap();
        assert_eq!(read(&path).unwrap().as_ref(), ONE);
    }

    #[test]
    fn a_renewal_is_seen_and_a_file_that_is_gone_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        fs::write(&path, ONE).unwrap();
        let mut system = SystemCa {
            path: Some(path.clone()),
            seen: None,
        };
        let (sender, mut bundle) = watch::channel(system.read());
        assert_eq!(bundle.borrow_and_update().as_deref(), Some(ONE));
        fs::remove_file(&path).unwrap();
        system.look(&sender);
        assert!(!bundle.has_changed().unwrap());
        fs::write(&path, ONE.repeat(2)).unwrap();
        system.look(&sender);
        assert_eq!(
            bundle.borrow_and_update().as_deref(),
            Some(ONE.repeat(2).as_str())
        );
    }
}
