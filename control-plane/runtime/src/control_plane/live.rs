//! What is read again and again while the control plane serves: the keys of tokens, the CA of
//! xDS, and the listener's certificate if the operator brings it. Whoever renews them replaces
//! files, and nothing is started anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cubegate_api::Issuer;
use cubegate_filter_config::TokenKeys;
use cubegate_snapshot::ServingCertificate;
use tokio::sync::watch;

use super::settings::tokens_of;
use crate::keys::Keys;
use crate::pki::{Ca, given_certificate};

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(10);

/// What of a snapshot may change with these files.
#[derive(Clone, PartialEq)]
pub(crate) struct Live {
    /// What tokens are checked against.
    pub(crate) tokens: TokenKeys,
    /// What the listener proves itself with.
    pub(crate) certificate: Option<ServingCertificate>,
}

/// The files, and who uses what is in them.
pub(super) struct Files {
    /// Where the keys of tokens are; `None` where they are no files.
    keys: Option<Keys>,
    /// Where the CA of xDS is.
    authority: Keys,
    issuer: Arc<Issuer>,
    /// The key that signs.
    signs: Option<String>,
    /// The operator's certificate and its key.
    certificate: Option<(PathBuf, PathBuf)>,
    /// What was told of already.
    failure: Option<String>,
}

// === impl Files ===

impl Files {
    pub(super) fn new(
        keys: Option<&Keys>,
        authority: &Keys,
        issuer: Arc<Issuer>,
        certificate: Option<(PathBuf, PathBuf)>,
    ) -> Self {
        Self {
            keys: keys.cloned(),
            authority: authority.clone(),
            issuer,
            // The first look finds out.
            signs: None,
            certificate,
            failure: None,
        }
    }

    /// Follows them until nobody listens to `live`. What cannot be used changes nothing.
    pub(super) async fn follow(mut self, live: watch::Sender<Live>, authority: watch::Sender<Ca>) {
        loop {
            self.look(&live, &authority);
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = live.closed() => return,
            }
        }
    }

    fn look(&mut self, live: &watch::Sender<Live>, authority: &watch::Sender<Ca>) {
        let looked = self
            .take_certificate(live)
            .and(self.take_keys(live))
            .and(self.take_authority(authority));
        let failure = looked.err().map(|error| crate::output::sentence(&error));
        if let Some(error) = &failure
            && failure != self.failure
        {
            tracing::error!(
                error,
                "a file that was renewed is not used; what was there before goes on"
            );
        }
        self.failure = failure;
    }

    fn take_certificate(&self, live: &watch::Sender<Live>) -> anyhow::Result<()> {
        let Some((certificate, key)) = &self.certificate else {
            return Ok(());
        };
        let read = Some(given_certificate(certificate, key)?);
        let changed = live.send_if_modified(|live| {
            let changed = live.certificate != read;
            live.certificate = read;
            changed
        });
        if changed {
            tracing::info!(file = %certificate.display(), "the listener has a new certificate");
        }
        Ok(())
    }

    /// Envoys get to know keys before one of them signs.
    fn take_keys(&mut self, live: &watch::Sender<Live>) -> anyhow::Result<()> {
        let (Some(keys), Some(issuer)) = (&self.keys, self.issuer.name()) else {
            return Ok(());
        };
        let keys = keys.signing_keys(&issuer)?;
        let tokens = tokens_of(&keys);
        let signs = Some(keys.signer.kid().to_owned());
        let changed = live.send_if_modified(|live| {
            let changed = live.tokens != tokens;
            live.tokens = tokens;
            changed
        });
        if changed || signs != self.signs {
            let others = keys.others.len();
            self.issuer.replace(keys.signer, keys.others)?;
            if self.signs.is_some() {
                tracing::info!(
                    key.id = signs,
                    key.others = others,
                    "the keys of tokens are others"
                );
            }
            self.signs = signs;
        }
        Ok(())
    }

    fn take_authority(&self, authority: &watch::Sender<Ca>) -> anyhow::Result<()> {
        if Ca::reread_xds(&self.authority, authority)? {
            let trusted = authority.borrow().trusted()?.len();
            tracing::info!(ca.trusted = trusted, "the xDS CA is another one");
        }
        Ok(())
    }
}
