//! A token that was renewed in its file.

use cubegate_domain::{Cluster, ClusterCredential};

use crate::cluster::read::{ClusterRow, Seal, cluster_columns};
use crate::seal::Place;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Gives a cluster another token from the file that its credential names, if it is still
    /// as it was read. Says whether it was.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn replace_token(&self, read: &Cluster, token: &str) -> Result<bool, StoreError> {
        let ClusterCredential::TokenFile { file, .. } = &read.credential else {
            return Ok(false);
        };
        let name = read.name.as_str();
        let mut tx = self.write().await?;
        // Changes nothing, but holds the cluster.
        sqlx::query("UPDATE clusters SET name = name WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        let row: Option<ClusterRow> = sqlx::query_as(concat!(
            "SELECT ",
            cluster_columns!(),
            " FROM clusters WHERE name = $1"
        ))
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?;
        let sealer = &self.inner.sealer;
        let kept = row.map(|row| row.into_cluster(sealer, Seal::Bound));
        if kept.transpose()?.as_ref() != Some(read) {
            return Ok(false);
        }
        let credential = ClusterCredential::TokenFile {
            file: file.clone(),
            token: token.to_owned(),
        };
        let sealed = sealer.seal(&Place::from(read), &credential)?;
        sqlx::query("UPDATE clusters SET credential_sealed = $2 WHERE name = $1")
            .bind(name)
            .bind(sealed)
            .execute(&mut *tx)
            .await?;
        self.commit_clusters(tx, &[name]).await?;
        Ok(true)
    }
}
