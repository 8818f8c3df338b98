//! What an Envoy may use.

use clap::{Args, value_parser};

/// What an Envoy may use.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Envoy's limits")]
pub(crate) struct EnvoyArgs {
    /// Most of Envoy's heap, in MiB; from 75 % of it on Envoy sheds load. Half of this machine's memory (`up`) or 2048 (`bootstrap`) when absent
    #[arg(
        long, env = "CUBEGATE_ENVOY_MEMORY", value_name = "MIB",
        value_parser = value_parser!(u64).range(64..=1_048_576)
    )]
    pub(crate) envoy_memory: Option<u64>,

    /// Most connections of clients at the same time; what comes beyond them is closed
    #[arg(
        long, env = "CUBEGATE_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 8_192,
        value_parser = value_parser!(u32).range(1..=1_000_000)
    )]
    pub(crate) max_connections: u32,
}
