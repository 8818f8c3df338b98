//! How much one caller may ask of the clusters.

use clap::{Args, value_parser};
use cubegate_filter_config::CallerLimits;

/// Limits of users and access keys on requests to clusters. Each Envoy worker counts for
/// itself, so they are what one connection gets.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Requests to clusters")]
pub(crate) struct CallersArgs {
    /// Requests of one user in a second, for each Envoy worker; 0 is no limit
    #[arg(
        long,
        env = "CUBEGATE_REQUESTS_PER_USER",
        value_name = "NUMBER",
        default_value_t = 5_000
    )]
    pub(crate) requests_per_user: u32,

    /// Requests with tokens of one access key in a second, for each Envoy worker; 0 is no limit
    #[arg(
        long,
        env = "CUBEGATE_REQUESTS_PER_KEY",
        value_name = "NUMBER",
        default_value_t = 5_000
    )]
    pub(crate) requests_per_key: u32,

    /// How many seconds' worth of those requests may come at once
    #[arg(
        long, env = "CUBEGATE_REQUEST_BURST", value_name = "SECONDS", default_value_t = 2,
        value_parser = value_parser!(u32).range(1..=3_600)
    )]
    pub(crate) request_burst: u32,

    /// Requests of one user at the same time, watches too, for each Envoy worker; 0 is no limit
    #[arg(
        long,
        env = "CUBEGATE_CONCURRENT_PER_USER",
        value_name = "NUMBER",
        default_value_t = 2_000
    )]
    pub(crate) concurrent_per_user: u32,

    /// Requests with tokens of one access key at the same time, for each Envoy worker; 0 is no limit
    #[arg(
        long,
        env = "CUBEGATE_CONCURRENT_PER_KEY",
        value_name = "NUMBER",
        default_value_t = 2_000
    )]
    pub(crate) concurrent_per_key: u32,
}

// === impl CallersArgs ===

impl CallersArgs {
    /// As the filter is told.
    pub(crate) fn limits(&self) -> CallerLimits {
        let Self {
            requests_per_user,
            requests_per_key,
            request_burst,
            concurrent_per_user,
            concurrent_per_key,
        } = self;
        CallerLimits {
            requests_per_user: *requests_per_user,
            requests_per_key: *requests_per_key,
            burst_seconds: *request_burst,
            concurrent_per_user: *concurrent_per_user,
            concurrent_per_key: *concurrent_per_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        callers: CallersArgs,
    }

    #[test]
    fn each_flag_sets_its_limit() {
        let line = [
            "test",
            "--requests-per-user=1",
            "--requests-per-key=2",
            "--request-burst=3",
            "--concurrent-per-user=4",
            "--concurrent-per-key=0",
        ];
        let limits = Line::try_parse_from(line).unwrap().callers.limits();
        let expected = CallerLimits {
            requests_per_user: 1,
            requests_per_key: 2,
            burst_seconds: 3,
            concurrent_per_user: 4,
            concurrent_per_key: 0,
        };
        assert_eq!(limits, expected);
        assert!(Line::try_parse_from(["test", "--request-burst=0"]).is_err());
    }
}
