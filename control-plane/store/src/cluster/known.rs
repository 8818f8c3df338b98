//! All clusters, of which only those are read from the database that have changed.
//!
//! A change of one of a thousand clusters is followed by several readers at once, and to read and
//! open all of them took longer than all else that a change takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use cubegate_domain::Cluster;

use crate::cluster::read::{ClusterRow, Seal, cluster_columns};
use crate::revision::{self, Revision};
use crate::{Store, StoreError};

/// Above so many that have changed all are read.
const FEW: usize = 32;

/// The clusters as they were read last.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Of when, at least: nothing is read as long as no cluster has changed since.
    revision: Option<Revision>,
    /// By name.
    clusters: BTreeMap<String, (Mark, Arc<Cluster>)>,
}

/// By what a row is known to be the same: whoever writes one seals the credential anew, also a
/// former release, and the nonce in front of it is another each time.
type Mark = String;

/// The beginning of a sealed credential with all of its nonce: `2:` and 24 digits, which former
/// releases wrote without the first two.
macro_rules! mark {
    () => {
        "substr(credential_sealed, 1, 26)"
    };
}

// === impl Store ===

impl Store {
    /// Returns all clusters by name. One that cannot be read is logged and left out: the
    /// others must go on working. What stays as it is is shared by all who ask.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn list_clusters(&self) -> Result<Vec<Arc<Cluster>>, StoreError> {
        // Who comes meanwhile finds everything read.
        let mut known = self.inner.clusters.lock().await;
        let revision = revision::read(self.reader()).await?.revision;
        if !known
            .revision
            .is_some_and(|known| !revision.since(known).clusters)
        {
            self.read_changed(&mut known.clusters).await?;
            known.revision = Some(revision);
        }
        let clusters = known.clusters.values();
        Ok(clusters.map(|(_, cluster)| Arc::clone(cluster)).collect())
    }

    /// Reads what is another than it was.
    async fn read_changed(
        &self,
        known: &mut BTreeMap<String, (Mark, Arc<Cluster>)>,
    ) -> Result<(), StoreError> {
        let marks: Vec<(String, Mark)> =
            sqlx::query_as(concat!("SELECT name, ", mark!(), " FROM clusters"))
                .fetch_all(self.reader())
                .await?;
        let marks: BTreeMap<String, Mark> = marks.into_iter().collect();
        known.retain(|name, (mark, _)| marks.get(name) == Some(mark));
        let is_new = |name: &&String| !known.contains_key(*name);
        let new: Vec<&String> = marks.keys().filter(is_new).collect();
        for row in self.rows(&new).await? {
            let (name, mark) = (row.name.clone(), row.mark());
            if known.contains_key(&name) {
                continue;
            }
            match row.into_cluster(&self.inner.sealer, Seal::Bound) {
                Ok(cluster) => drop(known.insert(name, (mark, Arc::new(cluster)))),
                Err(error) => {
                    tracing::error!(cluster.name = name, %error, "a cluster cannot be read and is left out");
                }
            }
        }
        Ok(())
    }

    /// Returns the rows of these clusters, as far as they are still there; of many those of all.
    async fn rows(&self, names: &[&String]) -> Result<Vec<ClusterRow>, StoreError> {
        if names.len() > FEW {
            let all = sqlx::query_as(concat!("SELECT ", cluster_columns!(), " FROM clusters"));
            return Ok(all.fetch_all(self.reader()).await?);
        }
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let row: Option<ClusterRow> = sqlx::query_as(concat!(
                "SELECT ",
                cluster_columns!(),
                " FROM clusters WHERE name = $1"
            ))
            .bind(name.as_str())
            .fetch_optional(self.reader())
            .await?;
            rows.extend(row);
        }
        Ok(rows)
    }
}

// === impl ClusterRow ===

impl ClusterRow {
    /// The same as the database tells.
    fn mark(&self) -> Mark {
        self.credential_sealed.chars().take(26).collect()
    }
}
