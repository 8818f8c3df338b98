//! `cubegate doctor`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, OutputArgs};

/// `cubegate doctor`: the flags that `serve` was started with say where to look.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    /// Where the HTTP API listens, unless `up` has noted it
    #[arg(
        long,
        env = "CUBEGATE_API_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub(crate) api_listen: SocketAddr,

    /// Where Envoys get their configuration, unless `up` has noted it
    #[arg(
        long,
        env = "CUBEGATE_XDS_LISTEN",
        default_value = "127.0.0.1:18000",
        value_name = "ADDRESS"
    )]
    pub(crate) xds_listen: SocketAddr,

    /// The certificate chain that Envoys serve with, if the operator brings it
    #[arg(long, env = "CUBEGATE_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key
    #[arg(
        long,
        env = "CUBEGATE_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
}
