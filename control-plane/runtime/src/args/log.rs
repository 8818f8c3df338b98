//! What is logged, and how.

use clap::{Args, ValueEnum};
use cubegate_snapshot::AccessLogFormat;

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogArgs {
    /// How log lines and Envoy's access lines are written
    #[arg(
        long,
        env = "CUBEGATE_LOG_FORMAT",
        value_enum,
        default_value_t = LogFormat::Text,
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,

    /// What is logged: off, error, warn, info, debug or trace, also of one part, as 'info,cubegate_xds=debug'
    #[arg(
        long,
        env = "CUBEGATE_LOG",
        default_value = "info,kube_client=off",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

// === impl LogFormat ===

impl From<LogFormat> for AccessLogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}
