//! What `serve` and `up` have in common.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::data::read_secret;
use super::{
    AuditArgs, CallersArgs, ClustersArgs, ConnectionArgs, DataArgs, ListArgs, LogArgs, NodesArgs,
    OauthArgs, SilenceArgs, ThrottleArgs, TracesArgs,
};

/// What `serve` and `up` have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    #[command(flatten)]
    pub(crate) traces: TracesArgs,

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

    #[command(flatten)]
    pub(crate) callers: CallersArgs,

    #[command(flatten)]
    pub(crate) connections: ConnectionArgs,

    #[command(flatten)]
    pub(crate) nodes: NodesArgs,

    #[command(flatten)]
    pub(crate) silence: SilenceArgs,

    /// A further name or address that the HTTP API is reached by from elsewhere, for its certificate; may be given several times
    #[arg(
        help_heading = "Control plane",
        long = "api-name",
        env = "CUBEGATE_API_NAME",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub(crate) api_names: Vec<String>,

    /// Where clients connect to Envoy
    #[arg(
        help_heading = "Where clients connect",
        long,
        env = "CUBEGATE_LISTEN",
        default_value = "127.0.0.1:30443",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,

    /// How clients reach the gateway, for kubeconfigs; https or http and the listen address when absent
    #[arg(
        help_heading = "Where clients connect",
        long,
        env = "CUBEGATE_PUBLIC_URL",
        value_name = "URL"
    )]
    pub(crate) public_url: Option<String>,

    /// How long the token of a kubeconfig is valid, in seconds
    #[arg(
        help_heading = "Tokens and logins",
        long, env = "CUBEGATE_KUBECONFIG_LIFETIME", value_name = "SECONDS", default_value_t = 604_800,
        value_parser = clap::value_parser!(u64).range(60..=31_536_000)
    )]
    pub(crate) kubeconfig_lifetime: u64,

    /// How long a watch, exec, log or port-forward may last, in seconds; 0 is as long as its token is good
    #[arg(
        help_heading = "Connections",
        long,
        env = "CUBEGATE_MAX_STREAM_DURATION",
        value_name = "SECONDS",
        default_value_t = 0
    )]
    pub(crate) max_stream_duration: u64,

    /// How often the value changes by which Envoy's routes know the filter's requests, in seconds
    #[arg(
        help_heading = "Envoys",
        long, env = "CUBEGATE_ROUTE_PASS_PERIOD", value_name = "SECONDS", default_value_t = 86_400,
        value_parser = clap::value_parser!(u64).range(1..=31_536_000)
    )]
    pub(crate) route_pass_period: u64,

    /// Serve clients in clear instead of TLS
    #[arg(help_heading = "Where clients connect", long, env = "CUBEGATE_PLAIN")]
    pub(crate) plain: bool,

    /// The certificate chain to serve with, PEM; made at the first start when absent
    #[arg(
        help_heading = "Where clients connect",
        long,
        env = "CUBEGATE_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM
    #[arg(
        help_heading = "Where clients connect",
        long,
        env = "CUBEGATE_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,

    /// The filter module
    #[arg(
        help_heading = "Envoys",
        long,
        env = "CUBEGATE_FILTER",
        value_name = "FILE",
        default_value = "cubegate_filter.wasm"
    )]
    pub(crate) filter: PathBuf,

    /// How long a token is valid, in seconds
    #[arg(
        help_heading = "Tokens and logins",
        long, env = "CUBEGATE_TOKEN_LIFETIME", value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(60..=86_400)
    )]
    pub(crate) token_lifetime: u64,

    /// How long a login by cookie lasts at most, in seconds; its token is renewed while it is used
    #[arg(
        help_heading = "Tokens and logins",
        long, env = "CUBEGATE_SESSION_LIFETIME", value_name = "SECONDS", default_value_t = 43_200,
        value_parser = clap::value_parser!(u64).range(60..=2_592_000)
    )]
    pub(crate) session_lifetime: u64,

    /// The `iss` of our tokens
    #[arg(
        help_heading = "Tokens and logins",
        long,
        env = "CUBEGATE_ISSUER",
        default_value = "cubegate",
        value_name = "NAME"
    )]
    pub(crate) issuer: String,

    /// Sign and accept plain KubeCube HS256 tokens under this secret, instead of our own
    #[arg(
        help_heading = "Tokens and logins",
        long,
        env = "CUBEGATE_JWT_HS256_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub(crate) jwt_hs256_secret: Option<String>,

    /// A file with that secret
    #[arg(
        help_heading = "Tokens and logins",
        long,
        env = "CUBEGATE_JWT_HS256_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "jwt_hs256_secret"
    )]
    pub(crate) jwt_hs256_secret_file: Option<PathBuf>,

    /// The password of the user `admin` at the first start; generated and shown once when absent
    #[arg(
        help_heading = "Tokens and logins",
        long,
        env = "CUBEGATE_ADMIN_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true
    )]
    pub(crate) admin_password: Option<String>,

    /// A file with that password
    #[arg(
        help_heading = "Tokens and logins",
        long,
        env = "CUBEGATE_ADMIN_PASSWORD_FILE",
        value_name = "FILE",
        conflicts_with = "admin_password"
    )]
    pub(crate) admin_password_file: Option<PathBuf>,
}

// === impl GatewayArgs ===

impl GatewayArgs {
    /// Takes the secrets that lie in files.
    pub(crate) fn read_secrets(mut self) -> anyhow::Result<Self> {
        if let Some(file) = &self.jwt_hs256_secret_file {
            self.jwt_hs256_secret = Some(read_secret("--jwt-hs256-secret-file", file)?);
        }
        if let Some(file) = &self.admin_password_file {
            self.admin_password = Some(read_secret("--admin-password-file", file)?);
        }
        Ok(self)
    }
}
