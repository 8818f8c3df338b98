//! How long audit records are kept, and what of them is exported.

use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use cubegate_audit::Retention;

use crate::args::DataArgs;

/// How long audit records are kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArgs {
    /// How long audit records are kept, in days
    #[arg(
        long, env = "CUBEGATE_AUDIT_RETENTION", value_name = "DAYS", default_value_t = 90,
        value_parser = value_parser!(u32).range(1..=3650)
    )]
    pub(crate) audit_retention: u32,

    /// How many audit records are kept at most, at about 1 KiB each; the oldest go first
    #[arg(
        long, env = "CUBEGATE_AUDIT_MAX_RECORDS", value_name = "NUMBER", default_value_t = 1_000_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub(crate) audit_max_records: u64,
}

/// `cubegate audit …`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print audit records as JSON lines, the oldest first
    Export(AuditExportArgs),
}

/// `cubegate audit export`
#[derive(Debug, Args)]
pub(crate) struct AuditExportArgs {
    /// From this time on: 2026-01-31T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME", default_value = "")]
    pub(crate) from: String,
    /// Before this time
    #[arg(long, value_name = "TIME", default_value = "")]
    pub(crate) to: String,
    /// Only this user's
    #[arg(long, value_name = "USER", default_value = "")]
    pub(crate) user: String,
    /// Only this cluster's
    #[arg(long, value_name = "CLUSTER", default_value = "")]
    pub(crate) cluster: String,
    /// Only those that this filter lets through, as in docs/query-language.md
    #[arg(long, value_name = "FILTER", default_value = "")]
    pub(crate) filter: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

// === impl AuditArgs ===

impl AuditArgs {
    pub(crate) fn retention(&self) -> Retention {
        let Self {
            audit_retention,
            audit_max_records,
        } = self;
        Retention {
            age: Duration::from_secs(u64::from(*audit_retention) * 86_400),
            records: *audit_max_records,
        }
    }
}
