//! How long audit records are kept, and what of them is exported.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use cubegate_audit::Retention;

use crate::args::DataArgs;
use crate::audit_sink::{Syslog, SyslogAddress, Webhook};

/// How long audit records are kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Audit records")]
pub(crate) struct AuditArgs {
    /// How long audit records are kept, in days
    #[arg(
        long, env = "CUBEGATE_AUDIT_RETENTION", value_name = "DAYS", default_value_t = 90,
        value_parser = value_parser!(u32).range(1..=3650)
    )]
    pub(crate) audit_retention: u32,

    /// How many audit records of requests are kept at most, at about 1 KiB each; the oldest go first
    #[arg(
        long, env = "CUBEGATE_AUDIT_MAX_RECORDS", value_name = "NUMBER", default_value_t = 1_000_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub(crate) audit_max_records: u64,

    /// How many audit records of changes and logins are kept at most, beside those of requests
    #[arg(
        long, env = "CUBEGATE_AUDIT_MAX_CHANGES", value_name = "NUMBER", default_value_t = 1_000_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub(crate) audit_max_changes: u64,

    /// How many audit records of requests without a credential are kept at most, beside the others; one stands for a minute of an address
    #[arg(
        long, env = "CUBEGATE_AUDIT_MAX_ANONYMOUS", value_name = "NUMBER", default_value_t = 100_000,
        value_parser = value_parser!(u64).range(1..)
    )]
    pub(crate) audit_max_anonymous: u64,

    /// Also send every audit record to this URL, as JSON lines by POST
    #[arg(
        long,
        env = "CUBEGATE_AUDIT_WEBHOOK",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) audit_webhook: Option<String>,

    /// A header of these requests, as 'Authorization: Bearer …'
    #[arg(
        long,
        env = "CUBEGATE_AUDIT_WEBHOOK_HEADER",
        value_name = "HEADER",
        hide_env_values = true,
        requires = "audit_webhook"
    )]
    pub(crate) audit_webhook_header: Option<String>,

    /// The certificates that the webhook's is trusted by, in PEM; the system's when absent
    #[arg(
        long,
        env = "CUBEGATE_AUDIT_WEBHOOK_CA",
        value_name = "FILE",
        requires = "audit_webhook"
    )]
    pub(crate) audit_webhook_ca: Option<PathBuf>,

    /// Also send every audit record to this syslog server (RFC 5424): udp://HOST:PORT, tcp://HOST:PORT or unix:///dev/log
    #[arg(long, env = "CUBEGATE_AUDIT_SYSLOG", value_name = "ADDRESS")]
    pub(crate) audit_syslog: Option<SyslogAddress>,
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
            audit_max_changes,
            audit_max_anonymous,
            audit_webhook: _,
            audit_webhook_header: _,
            audit_webhook_ca: _,
            audit_syslog: _,
        } = self;
        Retention {
            age: Duration::from_secs(u64::from(*audit_retention) * 86_400),
            changes: *audit_max_changes,
            traffic: *audit_max_records,
            anonymous: *audit_max_anonymous,
        }
    }

    /// Returns where records are sent by HTTP.
    pub(crate) fn webhook(&self) -> anyhow::Result<Option<Webhook>> {
        let header = self.audit_webhook_header.as_deref();
        let ca = self.audit_webhook_ca.as_deref();
        self.audit_webhook
            .as_deref()
            .map(|url| Webhook::new(url, header, ca))
            .transpose()
    }

    /// Returns where records are sent as messages of syslog.
    pub(crate) fn syslog(&self) -> Option<Syslog> {
        self.audit_syslog.clone().map(Syslog::new)
    }
}
