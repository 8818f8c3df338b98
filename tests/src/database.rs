//! What somebody does to a gateway's database by hand.

use anyhow::Result;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::cli::Site;

/// A connection to the database file of a site, beside those of the gateway.
pub struct Database(AnyConnection);

// === impl Database ===

impl Database {
    /// Connects.
    ///
    /// # Errors
    /// A file that is not there.
    pub async fn of(site: &Site) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let file = site.data_dir().join("cubegate.db");
        let url = format!("sqlite://{}?mode=rw", file.display());
        let mut connection = AnyConnection::connect(&url).await?;
        sqlx::query("PRAGMA busy_timeout = 20000")
            .execute(&mut connection)
            .await?;
        Ok(Self(connection))
    }

    /// Runs these statements in one transaction.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&mut self, statements: &[&str]) -> Result<()> {
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await?;
        for statement in statements {
            sqlx::query(AssertSqlSafe((*statement).to_owned()))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The one number that a query gives.
    ///
    /// # Errors
    /// What the database says.
    pub async fn number(&mut self, query: &str) -> Result<i64> {
        let query = AssertSqlSafe(query.to_owned());
        Ok(sqlx::query_scalar(query).fetch_one(&mut self.0).await?)
    }
}
