//! Another xDS CA in the place of the one that there is, without losing an Envoy.
//!
//! ```text
//!        xds-ca.crt (trusted)  xds-ca.key (signs)  xds-ca-next.key
//! at first    A                    A
//! add         A B                  A                   B
//! use         B A                  B
//! drop        B                    B
//! ```
//!
//! Control planes look at the files while they serve. Envoys have the file's certificates with their own:
//! from `cubegate node renew`, which asks for them, or with a new certificate.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use time::OffsetDateTime;

use super::Keys;
use crate::data_dir::{write_file, write_secret};
use crate::pki::{self, Ca};

/// The files of the xDS CA.
pub(crate) struct CaRotation {
    certificates: PathBuf,
    key: PathBuf,
    next: PathBuf,
}

// === impl CaRotation ===

impl CaRotation {
    /// Those of these keys, which are there already.
    pub(crate) fn of(keys: &Keys) -> anyhow::Result<Self> {
        // Tells what is missing or wrong.
        let certificates = Ca::xds(keys)?.certificate_path().to_path_buf();
        Ok(Self {
            key: certificates.with_file_name("xds-ca.key"),
            next: certificates.with_file_name("xds-ca-next.key"),
            certificates,
        })
    }

    /// Since when the present state lasts, as far as the files say.
    pub(crate) fn since(&self) -> anyhow::Result<OffsetDateTime> {
        let file = if self.next.exists() {
            &self.next
        } else {
            &self.key
        };
        let changed = fs::metadata(file)
            .and_then(|metadata| metadata.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(changed.into())
    }

    /// Whether there is a next one.
    pub(crate) fn has_next(&self) -> bool {
        self.next.exists()
    }

    /// How many certificates are trusted.
    pub(crate) fn trusted(&self) -> anyhow::Result<usize> {
        Ok(pki::blocks(&self.read()?).len())
    }

    /// Makes another CA, which is trusted and signs nothing yet.
    pub(crate) fn add(&self) -> anyhow::Result<()> {
        if self.has_next() {
            bail!("there is a next xDS CA already; `use` it, or `drop` it");
        }
        let present = self.read()?;
        if pki::blocks(&present).len() > 1 {
            bail!("the old xDS CA is still trusted; `drop` it first");
        }
        let made = pki::make_ca(pki::XDS_CA_NAME)?;
        // A key that nothing trusts is of no use to anybody, so it comes first.
        write_secret(&self.next, made.key_pem.as_bytes())?;
        let both = format!("{}\n{}", present.trim_end(), made.certificate_pem);
        write_file(&self.certificates, both.as_bytes(), 0o644)
    }

    /// Lets the next one sign.
    pub(crate) fn use_next(&self) -> anyhow::Result<()> {
        if !self.has_next() {
            bail!("there is no next xDS CA; `add` makes one");
        }
        let key = fs::read(&self.next)
            .with_context(|| format!("{} cannot be read", self.next.display()))?;
        // Written, and not moved: its time says since when it signs.
        write_secret(&self.key, &key)?;
        // Whoever watches the certificates sees that something has changed.
        let mut trusted = pki::blocks(&self.read()?);
        trusted.reverse();
        write_file(&self.certificates, trusted.concat().as_bytes(), 0o644)?;
        fs::remove_file(&self.next)
            .with_context(|| format!("{} cannot be removed", self.next.display()))
    }

    /// Trusts the one that signs alone.
    pub(crate) fn drop_other(&self, keys: &Keys) -> anyhow::Result<()> {
        if self.trusted()? < 2 {
            bail!("one xDS CA is trusted, and there is nothing to drop");
        }
        let own = Ca::xds(keys)?.own_pem().to_owned();
        write_file(&self.certificates, own.as_bytes(), 0o644)?;
        if self.has_next() {
            fs::remove_file(&self.next)
                .with_context(|| format!("{} cannot be removed", self.next.display()))?;
        }
        Ok(())
    }

    fn read(&self) -> anyhow::Result<String> {
        fs::read_to_string(&self.certificates)
            .with_context(|| format!("{} cannot be read", self.certificates.display()))
    }
}

#[cfg(test)]
mod tests {
    use cubegate_domain::NodeCertificate;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    fn mk_node(ca: &Ca) -> CertificateDer<'static> {
        let issued_at = OffsetDateTime::now_utc();
        let node = NodeCertificate {
            node: "edge-1".to_owned(),
            issued_at,
            expires_at: issued_at + time::Duration::DAY,
        };
        let pem = ca.node(&node).unwrap().certificate_pem;
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    #[test]
    fn both_are_trusted_from_the_first_step_to_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(None, folder.path());
        let first = Ca::xds(&keys).unwrap();
        let rotation = CaRotation::of(&keys).unwrap();
        assert!(rotation.use_next().is_err() && rotation.drop_other(&keys).is_err());

        rotation.add().unwrap();
        assert!(rotation.add().is_err());
        let both = Ca::xds(&keys).unwrap();
        assert_eq!(pki::blocks(both.certificate_pem()).len(), 2);
        assert!(first.has_signed(&mk_node(&both)));
        assert_eq!(both.own_pem(), first.own_pem());

        rotation.use_next().unwrap();
        let second = Ca::xds(&keys).unwrap();
        assert_eq!(pki::blocks(second.certificate_pem()).len(), 2);
        assert_eq!(second.certificate_pem().find(second.own_pem()), Some(0));
        assert!(!first.has_signed(&mk_node(&second)));
        assert!(
            rotation
                .add()
                .unwrap_err()
                .to_string()
                .contains("still trusted")
        );

        rotation.drop_other(&keys).unwrap();
        let last = Ca::xds(&keys).unwrap();
        assert_eq!(last.certificate_pem(), second.own_pem());
        assert!(last.has_signed(&mk_node(&second)));
    }

    #[test]
    fn a_next_one_that_is_not_wanted_goes_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(None, folder.path());
        let before = Ca::xds(&keys).unwrap().certificate_pem().to_owned();
        let rotation = CaRotation::of(&keys).unwrap();
        rotation.add().unwrap();
        rotation.drop_other(&keys).unwrap();
        assert_eq!(
            Ca::xds(&keys).unwrap().certificate_pem().trim(),
            before.trim()
        );
        assert!(!rotation.has_next());
    }
}
