//! Tokens that stand in files (`tokenFile`), of clusters that were added on the command line or by
//! an import: what a kubelet or another program renews there is taken over.
//!
//! Each control plane looks at the file under its own path, where each may have another one. So
//! it writes a token when its own file has changed, and at its start only one that lasts longer than that
//! which is used: they do not take turns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::{Cluster, ClusterCredential};
use cubegate_member::read_token_file;
use cubegate_store::{Revision, Store};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::record;
use crate::discovery::credential;

/// How often the files are read.
const INTERVAL: Duration = Duration::from_secs(20);

/// The files that are read.
struct TokenFiles {
    store: Store,
    /// The clusters of which a token stands in a file, as they are registered.
    clusters: Vec<Arc<Cluster>>,
    /// What was in their files the last time, or why they could not be read.
    read: BTreeMap<String, Result<String, String>>,
    revision: Option<Revision>,
}

/// Reads them again and again, until it is stopped.
pub(super) async fn follow(store: Store) {
    let mut files = TokenFiles {
        store,
        clusters: Vec::new(),
        read: BTreeMap::new(),
        revision: None,
    };
    loop {
        files.look().await;
        sleep(INTERVAL).await;
    }
}

// === impl TokenFiles ===

impl TokenFiles {
    async fn look(&mut self) {
        let revision = *self.store.subscribe().borrow();
        if self.revision.is_none_or(|own| revision.since(own).clusters) {
            let clusters = match self.store.list_clusters().await {
                Ok(clusters) => clusters,
                // Whatever else needs the database says more.
                Err(error) => {
                    tracing::warn!(%error, "the files of clusters' tokens are not read again");
                    return;
                }
            };
            self.clusters = clusters.into_iter().filter(|one| is_read(one)).collect();
            self.revision = Some(revision);
            let names: Vec<_> = self.clusters.iter().map(|one| one.name.as_str()).collect();
            self.read.retain(|name, _| names.contains(&name.as_str()));
        }
        for cluster in self.clusters.clone() {
            if let Some(token) = self.read(&cluster).await {
                self.replace(&cluster, token).await;
            }
        }
    }

    /// Reads the file of a cluster's token; returns one that is to be used instead of the
    /// former.
    async fn read(&mut self, cluster: &Cluster) -> Option<String> {
        let ClusterCredential::TokenFile { file, token } = &cluster.credential else {
            return None;
        };
        let path = file.clone();
        let now = OffsetDateTime::now_utc();
        let read = spawn_blocking(move || read_token_file(&path, now))
            .await
            .ok()?;
        let read = read.map_err(|error| error.to_string());
        let name = cluster.name.to_string();
        let former = self.read.insert(name, read.clone());
        match read {
            Err(error) => {
                if former.as_ref().and_then(|former| former.as_ref().err()) != Some(&error) {
                    tracing::warn!(cluster.name = %cluster.name, error, "the token of a cluster is not read again; the former one is used");
                }
                None
            }
            Ok(read) if read == *token => None,
            Ok(read) => {
                let renewed = match &former {
                    Some(former) => former.as_ref() != Ok(&read),
                    None => lasts_longer(&read, token),
                };
                renewed.then_some(read)
            }
        }
    }

    async fn replace(&mut self, cluster: &Cluster, token: String) {
        let replace = self.store.replace_token(cluster, &token);
        match record::changing("token-file", "update", replace).await {
            Ok(true) => {
                tracing::info!(cluster.name = %cluster.name, "a cluster has the token that its file holds now");
            }
            // It was changed meanwhile, and is looked at again as it is now.
            Ok(false) => {}
            Err(error) => {
                tracing::error!(cluster.name = %cluster.name, %error, "the token of a cluster cannot be replaced; it is tried again");
                self.read.remove(cluster.name.as_str());
            }
        }
        self.revision = None;
    }
}

/// Whether its token stands in a file that nobody else reads.
fn is_read(cluster: &Cluster) -> bool {
    matches!(cluster.credential, ClusterCredential::TokenFile { .. })
        && !cluster.source.is_followed()
}

/// Whether a token ends later than another one, as far as they say so.
fn lasts_longer(token: &str, other: &str) -> bool {
    let ends = |token: &str| credential::ends(&ClusterCredential::BearerToken(token.to_owned()));
    match (ends(token), ends(other)) {
        (Some(own), Some(other)) => own > other,
        // One that does not say when it ends was put there on purpose.
        _ => true,
    }
}
