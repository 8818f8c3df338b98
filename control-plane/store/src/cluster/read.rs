//! Reading clusters.

use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterSource, ClusterTls, Scheme};

use crate::row::to_time;
use crate::seal::{Place, Sealer};
use crate::user::Written;
use crate::{Store, StoreError};

/// In which form a credential is sealed.
#[derive(Clone, Copy)]
pub(super) enum Seal {
    /// For the cluster and its server.
    Bound,
    /// As a former release did it.
    Former,
}

/// The columns of a [`ClusterRow`].
macro_rules! cluster_columns {
    () => {
        "name, scheme, host, port, path_prefix, ca_pem, server_name, credential_sealed, created_at, \
         source"
    };
}
pub(super) use cluster_columns;

#[derive(sqlx::FromRow)]
pub(super) struct ClusterRow {
    pub(super) name: String,
    scheme: String,
    host: String,
    port: i64,
    path_prefix: String,
    ca_pem: Option<String>,
    server_name: Option<String>,
    pub(super) credential_sealed: String,
    created_at: i64,
    source: String,
}

// === impl Store ===

impl Store {
    /// One cluster with its credential.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn get_cluster(&self, name: &str) -> Result<Option<Cluster>, StoreError> {
        let row: Option<ClusterRow> = sqlx::query_as(concat!(
            "SELECT ",
            cluster_columns!(),
            " FROM clusters WHERE name = $1"
        ))
        .bind(name)
        .fetch_optional(self.reader())
        .await?;
        row.map(|row| row.into_cluster(&self.inner.sealer, Seal::Bound))
            .transpose()
    }

    /// Returns the names of all clusters, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn cluster_names(&self) -> Result<Vec<String>, StoreError> {
        let names = sqlx::query_scalar("SELECT name FROM clusters ORDER BY name");
        Ok(names.fetch_all(self.reader()).await?)
    }
}

impl Store {
    /// Returns what `add_cluster` with `replace` would do, without doing it. The time of
    /// registration does not count.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn compare_cluster(&self, cluster: &Cluster) -> Result<Written, StoreError> {
        Ok(match self.get_cluster(cluster.name.as_str()).await? {
            None => Written::Created,
            Some(kept)
                if kept.server == cluster.server
                    && kept.tls == cluster.tls
                    && kept.credential == cluster.credential =>
            {
                Written::Unchanged
            }
            Some(_) => Written::Replaced,
        })
    }
}

// === impl ClusterRow ===

impl ClusterRow {
    pub(super) fn into_cluster(self, sealer: &Sealer, form: Seal) -> Result<Cluster, StoreError> {
        let name = self.name.clone();
        let wrong = |column| StoreError::Inconsistent {
            table: "clusters",
            column,
            row: name.clone(),
        };
        let scheme = match self.scheme.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(wrong("scheme")),
        };
        let mut cluster = Cluster {
            server: ApiServer {
                scheme,
                port: u16::try_from(self.port).map_err(|_| wrong("port"))?,
                host: self.host.clone(),
                path_prefix: self.path_prefix.clone(),
            },
            credential: ClusterCredential::None,
            created_at: to_time(self.created_at, "clusters", "created_at", &self.name)?,
            source: ClusterSource::parse(&self.source),
            name: self.name.parse().map_err(|_| wrong("name"))?,
            tls: ClusterTls {
                ca_pem: self.ca_pem,
                server_name: self.server_name,
            },
        };
        let credential = match form {
            Seal::Bound => sealer.open(&Place::from(&cluster), &self.credential_sealed),
            Seal::Former => sealer.open_former(&self.name, &self.credential_sealed),
        };
        cluster.credential = credential.ok_or_else(|| wrong("credential_sealed"))?;
        Ok(cluster)
    }
}
