//! `cubegate health`: the health check of the control plane's image.

use std::time::Duration;

use clap::{Args, value_parser};
use cubegate_health::Url;

/// `cubegate health`
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// What is asked, on a loopback address; whoever answers 200 lives. Its certificate is not verified
    #[arg(
        env = "CUBEGATE_HEALTH_URL",
        default_value = "https://127.0.0.1:8080/livez",
        value_name = "URL"
    )]
    pub(crate) url: Url,

    /// How long it may take to answer, in seconds
    #[arg(
        long, env = "CUBEGATE_HEALTH_TIMEOUT", default_value_t = 3, value_name = "SECONDS",
        value_parser = value_parser!(u64).range(1..=60)
    )]
    pub(crate) timeout: u64,
}

// === impl HealthArgs ===

impl HealthArgs {
    /// Asks.
    ///
    /// # Errors
    /// Whatever is no 200.
    pub(crate) fn ask(&self) -> Result<(), cubegate_health::Error> {
        cubegate_health::ask(&self.url, Duration::from_secs(self.timeout))
    }
}
