//! The command line. Every flag is also an environment variable `CUBEGATE_…`.

mod audit;
mod callers;
mod cli;
mod client;
mod clusters;
mod connections;
mod data;
mod doctor;
mod envoy;
mod gateway;
mod health;
mod import;
mod key;
mod keys;
mod kubernetes;
mod list;
mod log;
mod migrate;
mod node;
mod oauth;
mod output;
mod render;
mod serve;
mod silence;
mod sources;
mod tokens;
mod traces;
mod user;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use self::audit::{AuditArgs, AuditCommand, AuditExportArgs};
pub(crate) use self::callers::CallersArgs;
pub(crate) use self::cli::{CompletionsArgs, ManArgs};
pub(crate) use self::client::{ClientArgs, CredentialArgs, ExecVersion, KubeconfigArgs};
pub(crate) use self::clusters::{
    ClusterAddArgs, ClusterCommand, ClusterKubeconfigArgs, ClusterManifestArgs, ClustersArgs,
};
pub(crate) use self::connections::{ConnectionArgs, SystemCaArgs};
pub(crate) use self::data::{DataArgs, DataDirArgs};
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::envoy::EnvoyArgs;
pub(crate) use self::gateway::GatewayArgs;
pub(crate) use self::health::HealthArgs;
pub(crate) use self::import::{ImportArgs, KubeCubeArgs};
pub(crate) use self::key::{KeyCommand, KeyCreateArgs, KeyUpdateArgs, LimitArgs, ScopeArgs};
pub(crate) use self::keys::{KeysCommand, KeysListArgs, KeysRotateArgs, Rotated, RotationStep};
pub(crate) use self::kubernetes::{KubernetesCommand, KubernetesSecretsArgs};
pub(crate) use self::list::ListArgs;
pub(crate) use self::log::{LogArgs, LogFormat};
pub(crate) use self::migrate::MigrateArgs;
pub(crate) use self::node::{NodeCommand, NodeRenewArgs, NodesArgs, XdsAddressArgs};
pub(crate) use self::oauth::{OauthArgs, ThrottleArgs};
pub(crate) use self::output::{Format, ListingArgs, OutputArgs};
pub(crate) use self::render::{RenderCommand, RenderStaticArgs};
pub(crate) use self::serve::{BootstrapArgs, ListenArgs, ServeArgs, UpArgs};
pub(crate) use self::silence::SilenceArgs;
pub(crate) use self::sources::{Product, SourcesArgs};
pub(crate) use self::tokens::TokensCommand;
pub(crate) use self::traces::TracesArgs;
pub(crate) use self::user::{PasswordArgs, UserCommand, UserGroupCommand};

/// What holds for every command, behind its help.
const MORE: &str = "\
Settings: a flag that has an environment variable may also stand in the file of --config (TOML),
under its long name without the dashes, a list in brackets: cors-origin = [\"https://a.example\"].
What is typed counts before the variable, the variable before the file, the file before the default.

Logs: CUBEGATE_LOG says what is logged, as error, warn, info, debug or trace, also by module
(info,cubegate_xds=debug). `serve` and `up` log info, other commands nothing.

Exit codes: 0 when it is done, 1 when it failed or `doctor` found a fault, with one sentence on
standard error; 2 when the command line or the file of --config is wrong.";

/// A gateway in front of many Kubernetes clusters: one token, one kind of URL.
#[derive(Debug, Parser)]
#[command(name = "cubegate", version, max_term_width = 100, after_long_help = MORE)]
pub(crate) struct Cli {
    /// A TOML file with flags that are not typed each time; their names are its keys
    // Read by `config`, before this is made.
    #[arg(long, env = "CUBEGATE_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the control plane alone, for Envoys that run elsewhere
    Serve(ServeArgs),
    /// Run the control plane and an Envoy on this machine
    Up(UpArgs),
    /// Print the bootstrap of an edge or sidecar Envoy
    Bootstrap(BootstrapArgs),
    /// Keep the Secrets of an installation in Kubernetes
    #[command(subcommand)]
    Kubernetes(KubernetesCommand),
    /// Write configurations of Envoys that no control plane feeds
    #[command(subcommand)]
    Render(RenderCommand),
    /// Register, list and remove clusters, say which one is the host, and print the role they need
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// List the connected Envoys: since when, what each has accepted, and what it refuses and why
    Envoys(ListingArgs),
    /// List the certificates of Envoys, shut Envoys out, and renew their certificates
    #[command(subcommand)]
    Node(NodeCommand),
    /// Add, list and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list, change, rotate and delete access keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make the keys of an installation whose control planes share them
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Refuse all tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Write a kubeconfig with a context for each cluster, from a gateway that may be elsewhere
    Kubeconfig(KubeconfigArgs),
    /// Give kubectl a token, as its credential plugin (`exec` in a kubeconfig), from a gateway that may be elsewhere
    Credential(CredentialArgs),
    /// Export audit records
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Take over users, keys and clusters from a file or from a running KubeCube
    Import(ImportArgs),
    /// Copy everything into another database, from SQLite to PostgreSQL or back
    Migrate(MigrateArgs),
    /// Look at a set-up from all sides and say what is wrong and what to do; exit code 1 says that something is. Where `up` listens stands in its data directory
    Doctor(DoctorArgs),
    /// Ask a server of this machine whether it lives: exit code 0 says that it does
    Health(HealthArgs),
    /// Print what lets a shell complete these commands
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_servers_is_an_environment_variable() {
        let command = Cli::command();
        for name in ["serve", "up"] {
            let command = command.find_subcommand(name).unwrap();
            for arg in command.get_arguments().filter(|arg| arg.get_id() != "help") {
                let env = arg
                    .get_env()
                    .and_then(|env| env.to_str())
                    .unwrap_or_default();
                assert!(env.starts_with("CUBEGATE_"), "{name} {}", arg.get_id());
            }
        }
    }
}
