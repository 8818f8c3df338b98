//! The files by which an Envoy proves itself, on its machine.
//!
//! ```text
//! DIR/ca.crt         the CA of the control plane's certificate
//! DIR/tls.pem        the Envoy's certificate and its key; 0600
//! DIR/identity.yaml  tells Envoy of tls.pem
//! DIR/authority.yaml tells Envoy of ca.crt
//! ```
//!
//! Envoy watches the folder and takes new files when they are moved there. Certificate and
//! key are one file, so that it never sees one of them without the other.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use cubegate_domain::NodeCertificate;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::data_dir::{write_file, write_secret};
use crate::pki::{self, Ca, Certified};

/// Names of the secrets in the two documents.
pub(crate) const IDENTITY: &str = "cubegate/identity";
pub(crate) const AUTHORITY: &str = "cubegate/authority";

/// The folder with the files.
#[derive(Debug, Clone)]
pub(crate) struct NodeFiles {
    folder: PathBuf,
}

// === impl NodeFiles ===

impl NodeFiles {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.join("tls.pem")
    }

    pub(crate) fn identity_document(&self) -> PathBuf {
        self.folder.join("identity.yaml")
    }

    pub(crate) fn authority_document(&self) -> PathBuf {
        self.folder.join("authority.yaml")
    }

    /// Writes all of them; in the documents they lie at `shown`, as Envoy sees them.
    pub(crate) fn write(
        &self,
        shown: &Self,
        ca_pem: &str,
        certified: &Certified,
    ) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("the folder {} cannot be made", self.folder.display()))?;
        write_file(&self.authority(), ca_pem.as_bytes(), 0o644)?;
        self.write_identity(certified)?;
        let identity = format!(
            r#"tls_certificate:
      certificate_chain: {{ filename: {file} }}
      private_key: {{ filename: {file} }}"#,
            file = quoted(&shown.identity())?
        );
        let authority = format!(
            r#"validation_context:
      trusted_ca: {{ filename: {file} }}"#,
            file = quoted(&shown.authority())?
        );
        for (path, name, contents) in [
            (self.identity_document(), IDENTITY, identity),
            (self.authority_document(), AUTHORITY, authority),
        ] {
            let document = format!(
                r#"resources:
  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
    name: {name}
    {contents}
      watched_directory: {{ path: {folder} }}
"#,
                folder = quoted(&shown.folder)?
            );
            write_file(&path, document.as_bytes(), 0o644)?;
        }
        Ok(())
    }

    /// Writes a new certificate and its key.
    pub(crate) fn write_identity(&self, certified: &Certified) -> anyhow::Result<()> {
        let Certified {
            certificate_pem,
            key_pem,
        } = certified;
        write_secret(
            &self.identity(),
            format!("{certificate_pem}{key_pem}").as_bytes(),
        )
    }

    /// Returns the certificate and key, PEM, and what the certificate says.
    pub(crate) fn read_identity(&self) -> anyhow::Result<(String, NodeCertificate)> {
        let path = self.identity();
        let pem = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let node = CertificateDer::from_pem_slice(pem.as_bytes())
            .ok()
            .and_then(|certificate| pki::read_node(&certificate))
            .ok_or_else(|| anyhow!("{} holds no certificate of an Envoy", path.display()))?;
        Ok((pem, node))
    }

    /// The certificate that is there, if it is this Envoy's and this CA has signed it.
    pub(crate) fn current(&self, ca: &Ca, node: &str) -> Option<NodeCertificate> {
        let (pem, certificate) = self.read_identity().ok()?;
        let authority = fs::read_to_string(self.authority()).ok()?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let ours = certificate.node == node
            && ca.has_signed(&der)
            && authority == ca.certificate_pem()
            && self.identity_document().exists()
            && self.authority_document().exists();
        ours.then_some(certificate)
    }
}

/// A JSON string is a YAML scalar that cannot be anything else.
fn quoted(path: &Path) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&path.display().to_string())?)
}
