//! Where everything is kept.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::{Context as _, bail};
use clap::Args;
use cubegate_store::DatabaseUrl;

/// The data directory.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataDirArgs {
    /// The folder with the database and all keys, unless they are elsewhere
    #[arg(
        long,
        env = "CUBEGATE_DATA_DIR",
        default_value = "/var/lib/cubegate",
        value_name = "DIR"
    )]
    pub(crate) data_dir: PathBuf,

    /// The folder with the keys that several control planes share, as `cubegate keys init` makes it; they are in the data directory when absent
    #[arg(long, env = "CUBEGATE_KEYS_DIR", value_name = "DIR")]
    pub(crate) keys_dir: Option<PathBuf>,
}

/// Where everything is kept.
#[derive(Clone, Args)]
#[command(next_help_heading = "Data")]
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

    /// A file with that URL
    #[arg(
        long,
        env = "CUBEGATE_DATABASE_URL_FILE",
        value_name = "FILE",
        conflicts_with = "database_url"
    )]
    pub(crate) database_url_file: Option<PathBuf>,
}

// === impl DataArgs ===

impl DataArgs {
    /// The database that is asked for.
    pub(crate) fn database(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        if let Some(file) = &self.database_url_file {
            let url = read_secret("--database-url-file", file)?;
            let advice = || format!("the URL in {} cannot be used", file.display());
            return url.parse().map(Some).with_context(advice);
        }
        self.database_url
            .as_deref()
            .map(|url| url.parse().context("--database-url cannot be used"))
            .transpose()
    }
}

/// Returns the secret in a file, without the end of its line: editors leave one.
pub(super) fn read_secret(flag: &str, file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read, which {flag} names", file.display()))?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        bail!("{} is empty, which {flag} names", file.display());
    }
    Ok(secret.to_owned())
}

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        write!(f, "DataArgs({:?}, ..)", self.dir.data_dir)
    }
}
