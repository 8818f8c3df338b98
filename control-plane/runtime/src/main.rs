//! The `cubegate` binary: control plane, gateway and command line.
//!
//! ```text
//! args ──> commands ─┬─ serve, up ──> control_plane ─┬─ tls ──> api  (HTTP)
//!                    │                               ├─ discovery: clusters' resources
//!                    │                               ├─ publisher: store ──> snapshot
//!                    │                               ├─ tls ──> xds  (gRPC)
//!                    │                               └─ node: which Envoys are let in
//!                    │                  envoy (only `up`)
//!                    └─ cluster, user, key, import, audit ──> store
//! ```
//!
//! Only this crate knows how the others are put together. Whatever goes wrong
//! ends as one sentence on standard error and exit code 1 (2 for wrong usage).

mod access_log;
mod args;
mod audit_sink;
mod bootstrap;
mod commands;
mod control_plane;
mod data_dir;
mod discovery;
mod envoy;
mod envoy_reports;
mod machine;
mod node;
mod output;
mod pki;
mod publisher;
mod route_pass;
mod system_ca;
mod tls;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, NodeCommand};

/// Gives back what a password's hash took, 19 MiB at a time. glibc's allocator keeps it,
/// for each thread that ever made one: hundreds of megabytes after some hundred logins.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    start_log(&command);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::fail(&format!("the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::fail(&output::sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// The servers log to standard error; a command that ends by itself says what it
/// has to say in one sentence, and logs only when asked with `CUBEGATE_LOG`.
fn start_log(command: &Command) {
    let default = match command {
        Command::Serve(_) | Command::Up(_) => "info,kube_client=off",
        Command::Node(NodeCommand::Renew(args)) if args.watch => "info",
        _ => "off",
    };
    let filter =
        EnvFilter::try_from_env("CUBEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Up(args) => commands::up::run(args).await,
        Command::Bootstrap(args) => commands::bootstrap::run(&args).await,
        Command::Cluster(command) => commands::cluster::run(command).await,
        Command::Node(command) => commands::node::run(command).await,
        Command::User(command) => commands::user::run(command).await,
        Command::Key(command) => commands::key::run(command).await,
        Command::Audit(command) => commands::audit::run(command).await,
        Command::Import(args) => commands::import::run(args).await,
    }
}
