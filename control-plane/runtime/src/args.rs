//! The command line. Every flag is also an environment variable `CUBEGATE_…`.

mod audit;
mod callers;
mod clusters;
mod connections;
mod data;
mod envoy;
mod gateway;
mod import;
mod key;
mod list;
mod node;
mod oauth;
mod serve;
mod user;

use clap::{Parser, Subcommand};

pub(crate) use self::audit::{AuditArgs, AuditCommand, AuditExportArgs};
pub(crate) use self::callers::CallersArgs;
pub(crate) use self::clusters::{
    ClusterAddArgs, ClusterCommand, ClusterManifestArgs, ClustersArgs,
};
pub(crate) use self::connections::{ConnectionArgs, SystemCaArgs};
pub(crate) use self::data::DataArgs;
pub(crate) use self::envoy::EnvoyArgs;
pub(crate) use self::gateway::GatewayArgs;
pub(crate) use self::import::{ImportArgs, KubeCubeArgs};
pub(crate) use self::key::{KeyCommand, KeyCreateArgs, KeyUpdateArgs, LimitArgs, ScopeArgs};
pub(crate) use self::list::ListArgs;
pub(crate) use self::node::{NodeCommand, NodeRenewArgs, NodesArgs};
pub(crate) use self::oauth::{OauthArgs, ThrottleArgs};
pub(crate) use self::serve::{BootstrapArgs, ServeArgs, UpArgs};
pub(crate) use self::user::{UserCommand, UserGroupCommand};

/// A gateway in front of many Kubernetes clusters: one token, one kind of URL.
#[derive(Debug, Parser)]
#[command(name = "cubegate", version, max_term_width = 100)]
pub(crate) struct Cli {
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
    /// Register, list and remove clusters, say which one is the host, and print the role they need
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// List Envoys, shut them out, and renew their certificates
    #[command(subcommand)]
    Node(NodeCommand),
    /// Add, list and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Create, list, change, rotate and delete access keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Export audit records
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Take over users, keys and clusters from a file or from a running KubeCube
    Import(ImportArgs),
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
