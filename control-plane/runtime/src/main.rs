//! The `cubegate` binary: control plane, gateway and command line.
//!
//! ```text
//! args ──> commands ─┬─ serve, up ──> control_plane ─┬─ tls ──> api  (HTTP)
//!                    │                               ├─ discovery: clusters' resources
//!                    │                               ├─ publisher: store ──> snapshot
//!                    │                               ├─ checks: clusters, asked through Envoys
//!                    │                               ├─ tls ──> xds  (gRPC)
//!                    │                               └─ node: which Envoys are let in
//!                    │                  envoy (only `up`)
//!                    ├─ credential, kubeconfig ──> client ──> a gateway, elsewhere
//!                    └─ cluster, envoys, node, user, key, import, audit ──> store
//! ```
//!
//! `config` reads `args` from the command line and from the file that it names.
//!
//! Only this crate knows how the others are put together. Whatever goes wrong
//! ends as one sentence on standard error and exit code 1 (2 for wrong usage).

mod access_log;
mod allocator;
mod args;
mod audit_sink;
mod bootstrap;
mod checks;
mod client;
mod cluster_reports;
mod commands;
mod config;
mod console;
mod control_plane;
mod data_dir;
mod discovery;
mod envoy;
mod envoy_reports;
mod https;
mod keys;
mod listener;
mod log;
mod machine;
mod metrics;
mod node;
mod output;
mod pki;
mod publisher;
mod readers;
mod route_pass;
mod sources;
mod static_envoy;
mod system_ca;
mod tls;
mod traces;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::config::Failure;

/// The exit code of a command line that is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    allocator::give_back_at_once();
    allocator::take_small_pages();
    let command = match config::parse(std::env::args_os().collect()) {
        Ok(Cli { command, config: _ }) => command,
        Err(failure) => return misused(failure),
    };
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
    let ended = runtime.block_on(async {
        let traces = log::start(&command)?;
        let ended = run(command).await;
        if let Some(traces) = traces {
            // It waits for the collector.
            let _ = tokio::task::spawn_blocking(|| traces.end()).await;
        }
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::fail(&output::sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the command line or the file of `--config`; also what was asked of the
/// command line itself.
fn misused(failure: Failure) -> ExitCode {
    let code = match failure {
        Failure::Usage(error, origin) => {
            let _ = error.print();
            if let Some(origin) = origin {
                output::note(&origin);
            }
            u8::try_from(error.exit_code()).unwrap_or(USAGE)
        }
        Failure::File(error) => {
            output::fail(&output::sentence(&error));
            USAGE
        }
    };
    ExitCode::from(code)
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Up(args) => commands::up::run(args).await,
        Command::Bootstrap(args) => commands::bootstrap::run(&args).await,
        Command::Kubernetes(command) => commands::kubernetes::run(command).await,
        Command::Render(command) => commands::render::run(&command),
        Command::Cluster(command) => commands::cluster::run(command).await,
        Command::Envoys(data) => commands::envoys::run(&data).await,
        Command::Node(command) => commands::node::run(command).await,
        Command::User(command) => commands::user::run(command).await,
        Command::Key(command) => commands::key::run(command).await,
        Command::Keys(command) => commands::keys::run(&command).await,
        Command::Tokens(command) => commands::tokens::run(&command).await,
        Command::Kubeconfig(args) => commands::kubeconfig::run(&args).await,
        Command::Credential(args) => commands::credential::run(&args).await,
        Command::Audit(command) => commands::audit::run(command).await,
        Command::Import(args) => commands::import::run(args).await,
        Command::Migrate(args) => commands::migrate::run(&args).await,
        Command::Doctor(args) => commands::doctor::run(&args).await,
        Command::Health(args) => Ok(args.ask()?),
        Command::Completions(args) => {
            commands::completions::run(&args);
            Ok(())
        }
        Command::Man(args) => commands::man::run(&args),
    }
}
