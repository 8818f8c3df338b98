//! What is logged: to standard error, as text or JSON, and traces to their collector.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::args::{Command, GatewayArgs, LogArgs, LogFormat, NodeCommand};
use crate::traces::{self, Traces};

/// Starts it. The servers log to standard error; a command that ends by itself says what it
/// has to say in one sentence, and logs only when asked with `CUBEGATE_LOG`.
pub(crate) fn start(command: &Command) -> anyhow::Result<Option<Traces>> {
    let gateway = match command {
        Command::Serve(args) => Some(&args.gateway),
        Command::Up(args) => Some(&args.gateway),
        _ => None,
    };
    let log = match command {
        Command::Node(NodeCommand::Renew(args)) if args.watch => Some(&args.log),
        _ => gateway.map(|gateway: &GatewayArgs| &gateway.log),
    };
    let traces = gateway.map(|gateway| Traces::begin(&gateway.traces));
    let traces = traces.transpose()?.flatten();
    let format = log.map_or(LogFormat::Text, |log| log.log_format);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(traces.as_ref().map(Traces::layer))
        .with(lines.with_filter(filter(log)?))
        .init();
    Ok(traces)
}

fn filter(log: Option<&LogArgs>) -> anyhow::Result<EnvFilter> {
    let filter = match log {
        Some(LogArgs { log, .. }) => EnvFilter::try_new(log)
            .with_context(|| format!("--log {log:?} is no filter; write for example info"))?,
        None => EnvFilter::try_from_env("CUBEGATE_LOG").unwrap_or_else(|_| EnvFilter::new("off")),
    };
    Ok(filter.add_directive(format!("{}=off", traces::TARGET).parse()?))
}
