//! In which form results are printed.

use clap::{Args, ValueEnum};

use super::DataArgs;

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns, for people
    Table,
    /// One JSON document, with the fields of the HTTP API
    Json,
    /// The same as YAML
    Yaml,
}

/// The form of a result.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// In which form the result is printed
    #[arg(
        short = 'o',
        long = "output",
        env = "CUBEGATE_OUTPUT",
        value_name = "FORMAT",
        value_enum,
        default_value_t = Format::Table
    )]
    pub(crate) format: Format,
}

/// What every command has that shows what is in the database.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListingArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}
