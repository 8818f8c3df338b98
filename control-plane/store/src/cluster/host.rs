//! The host cluster: the one that paths mean which name none.

use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Its name; `None` when there is none. The first cluster that is registered while
    /// there is none becomes it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn host_cluster(&self) -> Result<Option<String>, StoreError> {
        let name = sqlx::query_scalar("SELECT host_cluster FROM installation WHERE id = 1")
            .fetch_one(self.reader())
            .await?;
        Ok(name)
    }

    /// Makes a registered cluster the host; says whether there is such a cluster.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_host_cluster(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        // Changes nothing, but holds the cluster; as everywhere, before the installation.
        let there = sqlx::query("UPDATE clusters SET name = name WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if there == 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE installation SET host_cluster = $1 WHERE id = 1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        self.commit_clusters(tx, &[name]).await?;
        Ok(true)
    }
}
