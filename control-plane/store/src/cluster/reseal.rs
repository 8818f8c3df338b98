//! Credentials that a former release has sealed, for the name of their cluster alone.

use crate::cluster::read::{ClusterRow, Seal};
use crate::seal::{BOUND, Place};
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Seals them anew, for the server and its CA as well. It is done when a store is
    /// opened, and after that no former seal is taken any more: whoever writes the
    /// database could lead one to another server. Which ones they were is logged, since
    /// they should be none after the first start of this release.
    pub(crate) async fn reseal_clusters(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let rows: Vec<ClusterRow> = sqlx::query_as(
            "SELECT name, scheme, host, port, path_prefix, ca_pem, server_name,
             credential_sealed, created_at FROM clusters
             WHERE substr(credential_sealed, 1, 2) <> $1 ORDER BY name",
        )
        .bind(BOUND)
        .fetch_all(&mut *tx)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let sealer = &self.inner.sealer;
        for row in rows {
            // One that cannot be read is told with every reading of the clusters.
            let Ok(cluster) = row.into_cluster(sealer, Seal::Former) else {
                continue;
            };
            let sealed = sealer.seal(&Place::from(&cluster), &cluster.credential)?;
            sqlx::query("UPDATE clusters SET credential_sealed = $2 WHERE name = $1")
                .bind(cluster.name.as_str())
                .bind(sealed)
                .execute(&mut *tx)
                .await?;
            tracing::warn!(
                cluster.name = %cluster.name,
                cluster.server = %cluster.server,
                "the credential of a cluster was sealed for its name alone and is bound to this server now"
            );
        }
        tx.commit().await?;
        Ok(())
    }
}
