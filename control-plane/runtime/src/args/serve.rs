//! `cubegate serve`, `up` and `bootstrap`: control plane and Envoy, apart and together.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::node::node_name;
use super::{DataArgs, EnvoyArgs, GatewayArgs, NodesArgs, XdsAddressArgs};

/// Where a control plane listens, for `serve` and for who looks for it.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// Where the HTTP API listens
    #[arg(
        help_heading = "Control plane",
        long,
        env = "CUBEGATE_API_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) api_listen: SocketAddr,

    /// Where Envoys get their configuration (gRPC with mutual TLS)
    #[arg(
        help_heading = "Control plane",
        long,
        env = "CUBEGATE_XDS_LISTEN",
        default_value = "127.0.0.1:18000",
        value_name = "ADDRESS"
    )]
    pub(crate) xds_listen: SocketAddr,
}

/// `cubegate serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,

    #[command(flatten)]
    pub(crate) listen: ListenArgs,

    /// Where the control plane's metrics are read, in clear: `/metrics`, `/livez` and `/readyz`
    #[arg(
        long,
        env = "CUBEGATE_METRICS_LISTEN",
        default_value = "127.0.0.1:9464",
        value_name = "ADDRESS"
    )]
    pub(crate) metrics_listen: SocketAddr,
}

/// `cubegate up`
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,

    /// The Envoy binary
    #[arg(
        help_heading = "Envoys",
        long,
        env = "CUBEGATE_ENVOY",
        default_value = "envoy",
        value_name = "PATH"
    )]
    pub(crate) envoy: PathBuf,

    /// Worker threads of Envoy; one per core when absent
    #[arg(
        help_heading = "Envoy's limits",
        long,
        env = "CUBEGATE_ENVOY_CONCURRENCY",
        value_name = "NUMBER"
    )]
    pub(crate) envoy_concurrency: Option<u32>,

    #[command(flatten)]
    pub(crate) limits: EnvoyArgs,

    /// Where Envoy's admin page listens; port 0 takes a free one and keeps it
    #[arg(
        help_heading = "Envoys",
        long,
        env = "CUBEGATE_ENVOY_ADMIN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) envoy_admin: SocketAddr,

    /// Where Envoy's metrics are read, in clear; port 0 takes a free one and keeps it
    #[arg(
        long,
        env = "CUBEGATE_ENVOY_METRICS_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) envoy_metrics_listen: SocketAddr,

    /// Where the control plane's metrics are read, in clear: `/metrics`, `/livez` and `/readyz`; port 0 takes a free one and keeps it
    #[arg(
        long,
        env = "CUBEGATE_METRICS_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) metrics_listen: SocketAddr,

    /// Whether a second Envoy stands by, which has compiled the filter and takes over when the first one ends
    #[arg(
        help_heading = "Envoys",
        long, env = "CUBEGATE_ENVOY_STANDBY", value_name = "BOOL", default_value_t = true,
        action = clap::ArgAction::Set
    )]
    pub(crate) envoy_standby: bool,

    /// How long requests under way may take when Envoy is stopped or replaced, in seconds
    #[arg(
        help_heading = "Envoys",
        long, env = "CUBEGATE_DRAIN_TIME", value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(0..=3600)
    )]
    pub(crate) drain_time: u64,

    /// How large a log of Envoy grows before another one is begun, in MiB
    #[arg(
        help_heading = "Envoys",
        long, env = "CUBEGATE_ENVOY_LOG_SIZE", value_name = "MIB", default_value_t = 32,
        value_parser = clap::value_parser!(u32).range(1..=65_536)
    )]
    pub(crate) envoy_log_size: u32,

    /// How many files of each of Envoy's logs are kept, the one that is written among them
    #[arg(
        help_heading = "Envoys",
        long, env = "CUBEGATE_ENVOY_LOG_FILES", value_name = "NUMBER", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub(crate) envoy_log_files: u32,

    /// Where the HTTP API listens; port 0 takes a free one and keeps it
    #[arg(
        help_heading = "Control plane",
        long,
        env = "CUBEGATE_API_LISTEN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub(crate) api_listen: SocketAddr,

    /// Where Envoy gets its configuration; port 0 takes a free one and keeps it
    #[arg(
        help_heading = "Control plane",
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
    /// The name of this Envoy, as its certificate says it, or of a fleet that has one certificate; `envoy --service-node NAME/…` tells its Envoys apart
    #[arg(
        long,
        env = "CUBEGATE_NODE_ID",
        default_value = "edge",
        value_name = "NAME",
        value_parser = node_name
    )]
    pub(crate) node_id: String,

    #[command(flatten)]
    pub(crate) xds: XdsAddressArgs,

    /// Where a control plane serves its HTTP API, HOST:PORT; may be given several times
    #[arg(
        long = "api-address",
        env = "CUBEGATE_API_ADDRESS",
        default_value = "cubegate-control-plane:8080",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    pub(crate) api_addresses: Vec<String>,

    /// Where Envoy's admin page listens
    #[arg(
        long,
        env = "CUBEGATE_ENVOY_ADMIN",
        default_value = "127.0.0.1:9901",
        value_name = "ADDRESS"
    )]
    pub(crate) envoy_admin: SocketAddr,

    /// Where Envoy's metrics are read, in clear: `/metrics` and `/ready` of the admin page and nothing else of it; nowhere when absent
    #[arg(long, env = "CUBEGATE_ENVOY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// The folder on Envoy's machine that holds its certificate: ca.crt, tls.pem, authority.yaml and identity.yaml
    #[arg(
        long,
        env = "CUBEGATE_XDS_CERTS",
        default_value = "/etc/cubegate/xds",
        value_name = "DIR"
    )]
    pub(crate) certs: PathBuf,

    /// Also issue a certificate and write those four files to this folder; needs the data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) write_certs: Option<PathBuf>,

    /// Leave a certificate in that folder as it is if it names this Envoy, the CA has signed it and a third of its life is left: for what runs at every start
    #[arg(long, requires = "write_certs")]
    pub(crate) keep_certs: bool,

    /// Write the bootstrap to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) limits: EnvoyArgs,

    #[command(flatten)]
    pub(crate) nodes: NodesArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}
