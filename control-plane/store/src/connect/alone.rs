//! A database as nobody else may have it meanwhile, and how far its tables are.

use std::io;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::time::{Instant, sleep};

use super::{Dialect, prepare_file};
use crate::database::{Kind, sqlite_url};
use crate::seal::Sealer;
use crate::{DatabaseUrl, StoreError};

/// Takes from all others what each connection of a store holds (`IN_USE`).
const IN_USE_ALONE: &str =
    "SELECT CAST(CASE WHEN pg_try_advisory_lock(7163298242) THEN 1 ELSE 0 END AS BIGINT)";

/// How long the server may still have connections of those who have just ended.
const ENDING: Duration = Duration::from_secs(2);

/// How far the tables of a database are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrations {
    /// What this version would still do to them.
    pub pending: usize,
    /// What a newer version has done to them.
    pub unknown: usize,
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// The only connection to tables that are up to date and of this master key; of a file only
    /// the one that may write, as long as it is in a transaction.
    pub(crate) async fn alone(
        &self,
        sealer: &mut Sealer,
    ) -> Result<(AnyConnection, Dialect), StoreError> {
        let (url, dialect) = match self.kind() {
            Kind::Sqlite(path) => (prepare_file(path)?, Dialect::Sqlite),
            Kind::Postgres(url) => (url.as_ref().clone(), Dialect::Postgres),
        };
        let mut connection = self.migrated(&url, dialect).await?;
        if dialect == Dialect::Postgres {
            let latest = Instant::now() + ENDING;
            while sqlx::query_scalar::<_, i64>(IN_USE_ALONE)
                .fetch_one(&mut connection)
                .await?
                == 0
            {
                if Instant::now() >= latest {
                    return Err(StoreError::InUse {
                        database: self.clone(),
                    });
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        self.claim(&mut connection, dialect, sealer).await?;
        Ok((connection, dialect))
    }

    /// Says how far the tables are, and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the database does not answer or holds something else.
    pub async fn migrations(&self) -> Result<Migrations, StoreError> {
        let (url, dialect) = match self.kind() {
            Kind::Sqlite(path) => {
                let url = sqlite_url(path).map_err(|error| StoreError::File {
                    path: path.clone(),
                    source: io::Error::other(error),
                })?;
                (url, Dialect::Sqlite)
            }
            Kind::Postgres(url) => (url.as_ref().clone(), Dialect::Postgres),
        };
        let mut connection = self.owner(&url, dialect).await?;
        let applied: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations")
            .fetch_all(&mut connection)
            .await
            .map_err(|source| self.open_error(source))?;
        let _ = connection.close().await;
        let known: Vec<i64> = dialect.migrator().iter().map(|one| one.version).collect();
        Ok(Migrations {
            pending: known.iter().filter(|one| !applied.contains(one)).count(),
            unknown: applied.iter().filter(|one| !known.contains(one)).count(),
        })
    }
}
