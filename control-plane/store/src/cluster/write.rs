//! Registering and removing clusters. Each moves the revision: Envoys must know.

use cubegate_domain::Cluster;

use crate::cluster::read::cluster_columns;
use crate::revision::{self, Topic};
use crate::row::from_time;
use crate::seal::Place;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Registers a cluster. One of that name is an error, or, with `replace`, gets
    /// the new server and credential (and keeps its time of registration). It becomes
    /// the host cluster when there is none.
    ///
    /// # Errors
    /// [`StoreError::ClusterExists`]; nothing has changed then.
    pub async fn add_cluster(&self, cluster: &Cluster, replace: bool) -> Result<(), StoreError> {
        let name = cluster.name.as_str();
        let sealed = self
            .inner
            .sealer
            .seal(&Place::from(cluster), &cluster.credential)?;
        let mut tx = self.write().await?;
        let written = sqlx::query(concat!(
            "INSERT INTO clusters (",
            cluster_columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (name) DO UPDATE SET scheme = excluded.scheme, host = excluded.host,
             port = excluded.port, path_prefix = excluded.path_prefix, ca_pem = excluded.ca_pem,
             server_name = excluded.server_name, credential_sealed = excluded.credential_sealed,
             source = excluded.source
             WHERE $11 <> 0"
        ))
        .bind(name)
        .bind(cluster.server.scheme.as_str())
        .bind(&cluster.server.host)
        .bind(i64::from(cluster.server.port))
        .bind(&cluster.server.path_prefix)
        .bind(cluster.tls.ca_pem.as_deref())
        .bind(cluster.tls.server_name.as_deref())
        .bind(sealed)
        .bind(from_time(cluster.created_at))
        .bind(cluster.source.as_str())
        .bind(i64::from(replace))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if written == 0 {
            return Err(StoreError::ClusterExists(name.to_owned()));
        }
        sqlx::query(
            "UPDATE installation SET host_cluster = $1 WHERE id = 1 AND host_cluster IS NULL",
        )
        .bind(name)
        .execute(&mut *tx)
        .await?;
        let revision = revision::bump(&mut tx, Topic::Clusters).await?;
        self.commit_change(tx, name, Some(revision)).await
    }

    /// Removes a cluster; says whether there was one. Where it was the host
    /// cluster there is none then.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_cluster(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let removed = sqlx::query("DELETE FROM clusters WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed == 0 {
            return Ok(false);
        }
        let revision = revision::bump(&mut tx, Topic::Clusters).await?;
        self.commit_change(tx, name, Some(revision)).await?;
        Ok(true)
    }
}
