//! Where everything is kept.

use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use cubegate_store::DatabaseUrl;

/// The data directory.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataDirArgs {
    /// The folder with the database and all keys
    #[arg(
        long,
        env = "CUBEGATE_DATA_DIR",
        default_value = "/var/lib/cubegate",
        value_name = "DIR"
    )]
    pub(crate) data_dir: PathBuf,
}

/// Where everything is kept.
#[derive(Clone, Args)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) dir: DataDirArgs,

    /// The database, sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE; cubegate.db in the data directory when absent
    // A text, because a refusal by the parser would repeat it, password and all.
    #[arg(
        long,
        env = "CUBEGATE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
}

// === impl DataArgs ===

impl DataArgs {
    /// The database that is asked for.
    pub(crate) fn database(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        self.database_url
            .as_deref()
            .map(|url| url.parse().context("--database-url cannot be used"))
            .transpose()
    }
}

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        write!(f, "DataArgs({:?}, ..)", self.dir.data_dir)
    }
}
