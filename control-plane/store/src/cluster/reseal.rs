//! Credentials that a former release has sealed, for the name of their cluster alone.

use crate::cluster::read::{ClusterRow, Seal, cluster_columns};
use crate::patience::Statements;
use crate::seal::{BOUND, Place, Sealer};
use crate::{Store, StoreError};

/// Seals all credentials under another master key, and says how many they were.
pub(crate) async fn under_another_key(
    tx: &mut Statements<'_>,
    old: &Sealer,
    new: &Sealer,
) -> Result<usize, StoreError> {
    let rows: Vec<ClusterRow> = sqlx::query_as(concat!(
        "SELECT ",
        cluster_columns!(),
        " FROM clusters ORDER BY name"
    ))
    .fetch_all(&mut *tx)
    .await?;
    let number = rows.len();
    for row in rows {
        let form = match row.credential_sealed.starts_with(BOUND) {
            true => Seal::Bound,
            false => Seal::Former,
        };
        let cluster = row.into_cluster(old, form)?;
        let sealed = new.seal(&Place::from(&cluster), &cluster.credential)?;
        sqlx::query("UPDATE clusters SET credential_sealed = $2 WHERE name = $1")
            .bind(cluster.name.as_str())
            .bind(sealed)
            .execute(&mut *tx)
            .await?;
    }
    Ok(number)
}

// === impl Store ===

impl Store {
    /// Seals them anew, for the server and its CA as well. It is done when a store is
    /// opened, and after that no former seal is taken any more: whoever writes the
    /// database could lead one to another server. Which ones they were is logged, since
    /// they should be none after the first start of this release.
    pub(crate) async fn reseal_clusters(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let rows: Vec<ClusterRow> = sqlx::query_as(concat!(
            "SELECT ",
            cluster_columns!(),
            " FROM clusters WHERE substr(credential_sealed, 1, 2) <> $1 ORDER BY name"
        ))
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
