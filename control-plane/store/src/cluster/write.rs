//! Registering and removing clusters. Each moves the revision: Envoys must know.

use cubegate_domain::{Cluster, ClusterSource};

use crate::cluster::read::cluster_columns;
use crate::metrics::Write;
use crate::patience::Statements;
use crate::row::from_time;
use crate::seal::{Place, Sealer};
use crate::{Store, StoreError};

/// Whose cluster a row must be to become this one, behind `WHERE`.
pub(super) enum Over {
    /// Nobody's: there must be none of the name.
    Nothing,
    /// Anybody's that no control plane follows.
    Own,
    /// That of the same source.
    Source,
}

/// The clusters that nobody but their source changes.
macro_rules! followed {
    () => {
        "('folder', 'kubecube', 'kubesphere')"
    };
}

// === impl Over ===

impl Over {
    /// Returns the statement that writes a whole cluster.
    fn statement(&self) -> &'static str {
        macro_rules! upsert {
            ($condition:expr) => {
                concat!(
                    "INSERT INTO clusters (",
                    cluster_columns!(),
                    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                     ON CONFLICT (name) DO UPDATE SET scheme = excluded.scheme,
                     host = excluded.host, port = excluded.port,
                     path_prefix = excluded.path_prefix, ca_pem = excluded.ca_pem,
                     server_name = excluded.server_name,
                     credential_sealed = excluded.credential_sealed, source = excluded.source
                     WHERE ",
                    $condition
                )
            };
        }
        match self {
            Self::Nothing => upsert!("1 = 0"),
            Self::Own => upsert!(concat!("clusters.source NOT IN ", followed!())),
            Self::Source => upsert!("clusters.source = excluded.source"),
        }
    }
}

// === impl Store ===

impl Store {
    /// Registers a cluster. One of that name is an error, or, with `replace`, gets
    /// the new server and credential (and keeps its time of registration). It becomes
    /// the host cluster when there is none.
    ///
    /// # Errors
    /// [`StoreError::ClusterExists`], or [`StoreError::ClusterOwned`] where it would take the
    /// place of one that comes from a source; nothing has changed then.
    pub async fn add_cluster(&self, cluster: &Cluster, replace: bool) -> Result<(), StoreError> {
        let name = cluster.name.as_str();
        let over = if replace { Over::Own } else { Over::Nothing };
        let mut tx = self.write().await?;
        if !write(&mut tx, &self.inner.sealer, cluster, &over).await? {
            return Err(match owner(&mut tx, name).await? {
                Some(source) if replace => StoreError::cluster_owned(name, source),
                _ => StoreError::ClusterExists(name.to_owned()),
            });
        }
        be_host_if_there_is_none(&mut tx, name).await?;
        self.commit_clusters(tx, &[name]).await
    }

    /// Removes a cluster; says whether there was one. Where it was the host
    /// cluster there is none then.
    ///
    /// # Errors
    /// [`StoreError::ClusterOwned`] for one that comes from a source, or
    /// [`StoreError::Database`].
    pub async fn remove_cluster(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let statement = concat!(
            "DELETE FROM clusters WHERE name = $1 AND source NOT IN ",
            followed!()
        );
        let removed = sqlx::query(statement).bind(name).execute(&mut *tx).await?;
        if removed.rows_affected() == 0
            && let Some(source) = owner(&mut tx, name).await?
        {
            return Err(StoreError::cluster_owned(name, source));
        }
        self.removed(tx, name, removed.rows_affected()).await
    }

    /// The same whatever it comes from. A source that still has it registers it again.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_cluster_of_any_source(&self, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let removed = sqlx::query("DELETE FROM clusters WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        self.removed(tx, name, removed.rows_affected()).await
    }

    async fn removed(&self, tx: Write, name: &str, rows: u64) -> Result<bool, StoreError> {
        if rows == 0 {
            return Ok(false);
        }
        self.commit_clusters(tx, &[name]).await?;
        Ok(true)
    }
}

/// Writes a cluster over what it may be written over; says whether it was.
pub(super) async fn write(
    tx: &mut Statements<'_>,
    sealer: &Sealer,
    cluster: &Cluster,
    over: &Over,
) -> Result<bool, StoreError> {
    let sealed = sealer.seal(&Place::from(cluster), &cluster.credential)?;
    let written = sqlx::query(over.statement())
        .bind(cluster.name.as_str())
        .bind(cluster.server.scheme.as_str())
        .bind(&cluster.server.host)
        .bind(i64::from(cluster.server.port))
        .bind(&cluster.server.path_prefix)
        .bind(cluster.tls.ca_pem.as_deref())
        .bind(cluster.tls.server_name.as_deref())
        .bind(sealed)
        .bind(from_time(cluster.created_at))
        .bind(cluster.source.as_str())
        .execute(tx)
        .await?;
    Ok(written.rows_affected() > 0)
}

/// The first cluster that is registered becomes the host.
async fn be_host_if_there_is_none(tx: &mut Statements<'_>, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE installation SET host_cluster = $1 WHERE id = 1 AND host_cluster IS NULL")
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// Returns the source that alone may change a cluster of this name, if there is one.
async fn owner(tx: &mut Statements<'_>, name: &str) -> Result<Option<ClusterSource>, StoreError> {
    let source: Option<String> = sqlx::query_scalar("SELECT source FROM clusters WHERE name = $1")
        .bind(name)
        .fetch_optional(tx)
        .await?;
    let source = source.map(|word| ClusterSource::parse(&word));
    Ok(source.filter(|source| source.is_followed()))
}
