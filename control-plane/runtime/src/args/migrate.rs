//! `cubegate migrate`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use cubegate_store::DatabaseUrl;

use super::data::read_secret;
use super::{DataArgs, OutputArgs};

/// `cubegate migrate`
#[derive(Args)]
pub(crate) struct MigrateArgs {
    /// The empty database to fill, sqlite://PATH or postgres://USER@HOST:PORT/DATABASE, its password in PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL", required_unless_present = "to_file")]
    pub(crate) to: Option<String>,
    /// A file with that URL, which may hold the password then
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    pub(crate) to_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

// === impl MigrateArgs ===

impl MigrateArgs {
    /// The database that is to be filled.
    pub(crate) fn target(&self) -> anyhow::Result<DatabaseUrl> {
        let (flag, url) = match &self.to_file {
            Some(file) => ("--to-file", read_secret("--to-file", file)?),
            None => ("--to", self.to.clone().unwrap_or_default()),
        };
        url.parse()
            .with_context(|| format!("{flag} cannot be used"))
    }
}

impl std::fmt::Debug for MigrateArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.write_str("MigrateArgs(..)")
    }
}
