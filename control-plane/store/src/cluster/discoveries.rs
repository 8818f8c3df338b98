//! What clusters have, as it was read last: so that a control plane which is started knows it
//! before it has asked a thousand API servers, and of one that is down just then, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::row::from_time;
use crate::{Store, StoreError};

/// How many rows one transaction writes, so that nobody else waits long for it.
const BATCH: usize = 500;

/// A document that no cluster has stays for so long: another control plane may be about to
/// write down who has it.
const UNUSED: Duration = Duration::from_secs(60 * 60);

/// What a cluster had when it was read last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDiscovery {
    /// The cluster's name.
    pub cluster: String,
    /// The URL of the API server that was read.
    pub server: String,
    /// What it has, in whatever form its reader gives it. Clusters that have the same share it.
    pub document: Arc<str>,
}

// === impl Store ===

impl Store {
    /// Keeps what clusters have, in the place of what was kept of them before. Of a cluster that
    /// is gone nothing is kept. This is no change that anybody is told of.
    ///
    /// # Errors
    /// [`StoreError::Database`]; what was written until then stays.
    pub async fn keep_discoveries(
        &self,
        discoveries: &[ClusterDiscovery],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut digests = Digests::default();
        for batch in discoveries.chunks(BATCH) {
            self.write_discoveries(batch, &mut digests, now).await?;
        }
        let mut tx = self.write_rows().await?;
        sqlx::query(
            "DELETE FROM discoveries WHERE kept_at < $1
             AND digest NOT IN (SELECT digest FROM cluster_discoveries)",
        )
        .bind(from_time(now - UNUSED))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn write_discoveries(
        &self,
        discoveries: &[ClusterDiscovery],
        digests: &mut Digests,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        let mut written = BTreeSet::new();
        for discovery in discoveries {
            let ClusterDiscovery {
                cluster,
                server,
                document,
            } = discovery;
            let digest = digests.of(document);
            if written.insert(digest.clone()) {
                sqlx::query(
                    "INSERT INTO discoveries (digest, document, kept_at) VALUES ($1, $2, $3)
                     ON CONFLICT (digest) DO UPDATE SET kept_at = excluded.kept_at",
                )
                .bind(&digest)
                .bind(document.as_ref())
                .bind(from_time(now))
                .execute(&mut *tx)
                .await?;
            }
            sqlx::query(
                "INSERT INTO cluster_discoveries (cluster, server, digest)
                 SELECT name, $2, $3 FROM clusters WHERE name = $1
                 ON CONFLICT (cluster) DO UPDATE
                 SET server = excluded.server, digest = excluded.digest",
            )
            .bind(cluster)
            .bind(server)
            .bind(digest)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Returns what is kept of clusters, by name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn list_discoveries(&self) -> Result<Vec<ClusterDiscovery>, StoreError> {
        let documents: Vec<(String, String)> =
            sqlx::query_as("SELECT digest, document FROM discoveries")
                .fetch_all(self.reader())
                .await?;
        let documents: BTreeMap<String, Arc<str>> = documents
            .into_iter()
            .map(|(digest, document)| (digest, document.into()))
            .collect();
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT cluster, server, digest FROM cluster_discoveries ORDER BY cluster",
        )
        .fetch_all(self.reader())
        .await?;
        let discoveries = rows.into_iter().filter_map(|(cluster, server, digest)| {
            Some(ClusterDiscovery {
                cluster,
                server,
                document: Arc::clone(documents.get(&digest)?),
            })
        });
        Ok(discoveries.collect())
    }
}

/// The digests of documents, each made once while it is the same one in memory.
#[derive(Default)]
struct Digests(Vec<(Arc<str>, String)>);

// === impl Digests ===

impl Digests {
    fn of(&mut self, document: &Arc<str>) -> String {
        let is_it = |(known, _): &&(Arc<str>, String)| Arc::ptr_eq(known, document);
        if let Some((_, digest)) = self.0.iter().find(is_it) {
            return digest.clone();
        }
        let digest = hex::encode(Sha256::digest(document.as_bytes()));
        self.0.push((Arc::clone(document), digest.clone()));
        digest
    }
}
