//! Clusters that come from a source which control planes follow: what a source has made, it
//! alone changes and removes, and it touches no other.

use std::collections::BTreeMap;

use cubegate_domain::{Cluster, ClusterSource};

use crate::cluster::write::{Over, write};
use crate::metrics::Write;
use crate::{Store, StoreError};

/// How many clusters one transaction should change at most, so that nobody else waits long
/// for it.
pub const SOURCE_BATCH: usize = 100;

// === impl Store ===

impl Store {
    /// Returns what each registered cluster comes from, by its name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn cluster_sources(&self) -> Result<BTreeMap<String, ClusterSource>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, source FROM clusters")
            .fetch_all(self.reader())
            .await?;
        let sources = rows.into_iter();
        Ok(sources
            .map(|(name, word)| (name, ClusterSource::parse(&word)))
            .collect())
    }

    /// Registers clusters of a source, over those of the same name that are of the same source.
    /// Others stay as they are. Whether something is another is not asked: it is for who knows
    /// that it is. Returns the names of those that were written. None of them becomes the host
    /// cluster by itself: which one comes first is nobody's decision. It is one transaction; see
    /// [`SOURCE_BATCH`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn put_source_clusters(
        &self,
        clusters: &[Cluster],
    ) -> Result<Vec<String>, StoreError> {
        let mut written = Vec::new();
        let mut tx = self.write().await?;
        for cluster in clusters {
            if write(&mut tx, &self.inner.sealer, cluster, &Over::Source).await? {
                written.push(cluster.name.to_string());
            }
        }
        if !written.is_empty() {
            self.commit_source(tx, &written).await?;
        }
        Ok(written)
    }

    /// Removes those of these clusters that are of this source. Returns the names of those
    /// that were there. It is one transaction; see [`SOURCE_BATCH`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_source_clusters(
        &self,
        source: ClusterSource,
        names: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let mut removed = Vec::new();
        let mut tx = self.write().await?;
        for name in names {
            let deleted = sqlx::query("DELETE FROM clusters WHERE name = $1 AND source = $2")
                .bind(name)
                .bind(source.as_str())
                .execute(&mut *tx)
                .await?;
            if deleted.rows_affected() > 0 {
                removed.push(name.clone());
            }
        }
        if !removed.is_empty() {
            self.commit_source(tx, &removed).await?;
        }
        Ok(removed)
    }

    async fn commit_source(&self, tx: Write, names: &[String]) -> Result<(), StoreError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.commit_clusters(tx, &names).await
    }
}
