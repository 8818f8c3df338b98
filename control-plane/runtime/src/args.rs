//! The command line. Every flag is also an environment variable `CUBEGATE_…`.

mod audit;
mod clusters;
mod key;
mod list;
mod oauth;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use cubegate_store::DatabaseUrl;

pub(crate) use self::audit::{AuditArgs, AuditCommand, AuditExportArgs};
pub(crate) use self::clusters::ClustersArgs;
pub(crate) use self::key::{KeyCommand, KeyCreateArgs, KeyUpdateArgs, ScopeArgs};
pub(crate) use self::list::ListArgs;
pub(crate) use self::oauth::{OauthArgs, ThrottleArgs};

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
    /// Register, list and remove clusters, and say which one is the host
    #[command(subcommand)]
    Cluster(ClusterCommand),
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

/// The data directory.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataDirArgs {
    /// The folder with the database and all keys
    #[arg(
        long,
        env = "CUBEGATE_DATA_DIR",
        default_value = "/var/lib/cubegate",
        value_name = "DIR"
    )]
    pub(crate) data_dir: PathBuf,
}

/// Where everything is kept.
#[derive(Clone, Args)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) dir: DataDirArgs,

    /// The database, sqlite://PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE; cubegate.db in the data directory when absent
    // A text, because a refusal by the parser would repeat it, password and all.
    #[arg(
        long,
        env = "CUBEGATE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database_url: Option<String>,
}

/// What `serve` and `up` have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) list: ListArgs,

    #[command(flatten)]
    pub(crate) audit: AuditArgs,

    #[command(flatten)]
    pub(crate) oauth: OauthArgs,

    #[command(flatten)]
    pub(crate) throttle: ThrottleArgs,

    #[command(flatten)]
    pub(crate) clusters: ClustersArgs,

    /// Where clients connect to Envoy
    #[arg(
        long,
        env = "CUBEGATE_LISTEN",
        default_value = "127.0.0.1:30443",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,

    /// How clients reach the gateway, for kubeconfigs; https or http and the listen address when absent
    #[arg(long, env = "CUBEGATE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// How long the token of a kubeconfig is valid, in seconds
    #[arg(
        long, env = "CUBEGATE_KUBECONFIG_LIFETIME", value_name = "SECONDS", default_value_t = 604_800,
        value_parser = clap::value_parser!(u64).range(60..=31_536_000)
    )]
    pub(crate) kubeconfig_lifetime: u64,

    /// Serve clients in clear instead of TLS
    #[arg(long, env = "CUBEGATE_PLAIN")]
    pub(crate) plain: bool,

    /// The certificate chain to serve with, PEM; made at the first start when absent
    #[arg(
        long,
        env = "CUBEGATE_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM
    #[arg(
        long,
        env = "CUBEGATE_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,

    /// The filter module
    #[arg(
        long,
        env = "CUBEGATE_FILTER",
        value_name = "FILE",
        default_value = "cubegate_filter.wasm"
    )]
    pub(crate) filter: PathBuf,

    /// How long a token is valid, in seconds
    #[arg(
        long, env = "CUBEGATE_TOKEN_LIFETIME", value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    pub(crate) token_lifetime: u64,

    /// How long a login by cookie lasts at most, in seconds; its token is renewed while it is used
    #[arg(
        long, env = "CUBEGATE_SESSION_LIFETIME", value_name = "SECONDS", default_value_t = 43_200,
        value_parser = clap::value_parser!(u64).range(60..=2_592_000)
    )]
    pub(crate) session_lifetime: u64,

    /// The `iss` of our tokens
    #[arg(
        long,
        env = "CUBEGATE_ISSUER",
        default_value = "cubegate",
        value_name = "NAME"
    )]
    pub(crate) issuer: String,

    /// Sign and accept plain KubeCube HS256 tokens under this secret, instead of our own
    #[arg(
        long,
        env = "CUBEGATE_JWT_HS256_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub(crate) jwt_hs256_secret: Option<String>,

    /// The password of the user `admin` at the first start; generated and shown once when absent
    #[arg(
        long,
        env = "CUBEGATE_ADMIN_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true
    )]
    pub(crate) admin_password: Option<String>,
}

/// `cubegate serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,

    /// Where the HTTP API listens
    #[arg(
        long,
        env = "CUBEGATE_API_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) api_listen: SocketAddr,

    /// How Envoys reach the HTTP API, HOST:PORT; the listen address when absent
    #[arg(long, env = "CUBEGATE_API_ADVERTISE", value_name = "HOST:PORT")]
    pub(crate) api_advertise: Option<String>,

    /// Where Envoys get their configuration (gRPC with mutual TLS)
    #[arg(
        long,
        env = "CUBEGATE_XDS_LISTEN",
        default_value = "127.0.0.1:18000",
        value_name = "ADDRESS"
    )]
    pub(crate) xds_listen: SocketAddr,
}

/// `cubegate up`
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,

    /// The Envoy binary
    #[arg(
        long,
        env = "CUBEGATE_ENVOY",
        default_value = "envoy",
        value_name = "PATH"
    )]
    pub(crate) envoy: PathBuf,

    /// Worker threads of Envoy; one per core when absent
    #[arg(long, env = "CUBEGATE_ENVOY_CONCURRENCY", value_name = "NUMBER")]
    pub(crate) envoy_concurrency: Option<u32>,

    /// Where Envoy's admin page listens; port 0 takes a free one and keeps it
    #[arg(
        long,
        env = "CUBEGATE_ENVOY_ADMIN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) envoy_admin: SocketAddr,

    /// Where the HTTP API listens; port 0 takes a free one and keeps it
    #[arg(
        long,
        env = "CUBEGATE_API_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) api_listen: SocketAddr,

    /// Where Envoy gets its configuration; port 0 takes a free one and keeps it
    #[arg(
        long,
        env = "CUBEGATE_XDS_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) xds_listen: SocketAddr,
}

/// `cubegate bootstrap`
#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    /// The name of this Envoy, shown in the control plane's log
    #[arg(
        long,
        env = "CUBEGATE_NODE_ID",
        default_value = "edge",
        value_name = "NAME"
    )]
    pub(crate) node_id: String,

    /// Where the control plane serves xDS, HOST:PORT
    #[arg(
        long,
        env = "CUBEGATE_XDS_ADDRESS",
        default_value = "cubegate-control-plane:18000",
        value_name = "HOST:PORT"
    )]
    pub(crate) xds_address: String,

    /// Where Envoy's admin page listens
    #[arg(
        long,
        env = "CUBEGATE_ENVOY_ADMIN",
        default_value = "127.0.0.1:9901",
        value_name = "ADDRESS"
    )]
    pub(crate) envoy_admin: SocketAddr,

    /// The folder on Envoy's machine that holds ca.crt, tls.crt and tls.key
    #[arg(
        long,
        env = "CUBEGATE_XDS_CERTS",
        default_value = "/etc/cubegate/xds",
        value_name = "DIR"
    )]
    pub(crate) certs: PathBuf,

    /// Also issue those three files and write them to this folder; needs the data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) write_certs: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) data: DataDirArgs,
}

/// `cubegate cluster …`
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Register a cluster from a kubeconfig
    Add(ClusterAddArgs),
    /// List the registered clusters
    List(DataArgs),
    /// Make a cluster the host: the one that paths mean which name none
    Host {
        /// Its name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Remove a cluster
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `cubegate cluster add`
#[derive(Debug, Args)]
pub(crate) struct ClusterAddArgs {
    /// The name that stands in URLs: a-z, 0-9, '-' and '.'
    pub(crate) name: String,
    /// The kubeconfig that leads to the cluster
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: PathBuf,
    /// The context in it; the current one when absent
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// Register it without asking the API server first
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Take the place of a cluster of that name
    #[arg(long)]
    pub(crate) replace: bool,
    /// Make it the host cluster: the one that paths mean which name none; the first one is it by itself
    #[arg(long)]
    pub(crate) host: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `cubegate user …`
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; a password is generated and shown once when none is given
    Add {
        /// The name
        name: String,
        /// The password, at least 8 bytes
        #[arg(
            long,
            env = "CUBEGATE_USER_PASSWORD",
            value_name = "PASSWORD",
            hide_env_values = true
        )]
        password: Option<String>,
        /// A group that the user is in, may be given several times; `cubegate:admins` manages the gateway
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Give a user another password; one is generated and shown once when none is given
    Passwd {
        /// The name
        name: String,
        /// The password, at least 8 bytes
        #[arg(
            long,
            env = "CUBEGATE_USER_PASSWORD",
            value_name = "PASSWORD",
            hide_env_values = true
        )]
        password: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Stop a user from logging in and from getting tokens
    Disable {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a disabled user in again
    Enable {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the users
    List(DataArgs),
}

/// `cubegate import`
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// YAML or JSON with `users`, `keys` and `clusters`
    #[arg(required_unless_present = "from_kubecube")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) kubecube: KubeCubeArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `cubegate import --from-kubecube`
#[derive(Debug, Args)]
pub(crate) struct KubeCubeArgs {
    /// The kubeconfig of KubeCube's pivot cluster, whose users, keys and clusters are read
    #[arg(long, value_name = "KUBECONFIG", conflicts_with = "file")]
    pub(crate) from_kubecube: Option<PathBuf>,
    /// The context in it; the current one when absent
    #[arg(long, value_name = "CONTEXT", requires = "from_kubecube")]
    pub(crate) context: Option<String>,
    /// What that KubeCube appends to a password before it takes its MD5; without it users get no password
    #[arg(
        long,
        env = "CUBEGATE_KUBECUBE_PASSWORD_SALT",
        value_name = "SALT",
        hide_env_values = true
    )]
    pub(crate) password_salt: Option<String>,
    /// Take clusters over without asking their API servers first
    #[arg(long, requires = "from_kubecube")]
    pub(crate) no_check: bool,
    /// Say what would be done and change nothing
    #[arg(long, requires = "from_kubecube")]
    pub(crate) dry_run: bool,
}

// === impl DataArgs ===

impl DataArgs {
    /// The database that is asked for.
    pub(crate) fn database(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        self.database_url
            .as_deref()
            .map(|url| url.parse().context("--database-url cannot be used"))
            .transpose()
    }
}

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        write!(f, "DataArgs({:?}, ..)", self.dir.data_dir)
    }
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
