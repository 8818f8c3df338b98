//! Where traces go.

use anyhow::{Context as _, bail};
use clap::Args;
use cubegate_snapshot::TraceSettings;

/// Traces of requests, by OpenTelemetry.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub(crate) struct TracesArgs {
    /// Where a collector of OpenTelemetry takes traces (OTLP over gRPC), for Envoys and the control plane: http://HOST:4317 or https://…; there are none when absent
    #[arg(long, env = "CUBEGATE_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,

    /// How many of a hundred requests are traced, of those whose clients trace nothing themselves
    #[arg(
        long,
        env = "CUBEGATE_TRACE_SAMPLING",
        value_name = "PERCENT",
        default_value_t = 1.0
    )]
    pub(crate) trace_sampling: f64,
}

// === impl TracesArgs ===

impl TracesArgs {
    /// What Envoys are told.
    pub(crate) fn settings(&self) -> anyhow::Result<Option<TraceSettings>> {
        let Some(endpoint) = &self.otlp_endpoint else {
            return Ok(None);
        };
        let advice = || {
            format!(
                "--otlp-endpoint {endpoint:?} is no URL; write for example http://collector:4317"
            )
        };
        let url = url::Url::parse(endpoint).with_context(advice)?;
        let (Some(host), "http" | "https", "" | "/") = (url.host_str(), url.scheme(), url.path())
        else {
            bail!(advice());
        };
        if !(0.0..=100.0).contains(&self.trace_sampling) {
            bail!("--trace-sampling is a number of a hundred, 0 to 100");
        }
        Ok(Some(TraceSettings {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(4317),
            tls: url.scheme() == "https",
            percent: self.trace_sampling,
        }))
    }
}
