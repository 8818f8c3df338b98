//! `cubegate render …`: configurations of Envoys that no control plane feeds.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use cubegate_domain::ClusterName;

use super::SystemCaArgs;
use super::data::DataDirArgs;

/// `cubegate render …`
#[derive(Debug, Subcommand)]
pub(crate) enum RenderCommand {
    /// Write a folder with which an Envoy serves clusters without a control plane: `envoy -c DIR/static.yaml`
    Static(RenderStaticArgs),
}

/// `cubegate render static`
#[derive(Debug, Args)]
pub(crate) struct RenderStaticArgs {
    /// A cluster and the kubeconfig by which Envoy reaches it, may be given several times; the first one is the host cluster
    #[arg(long = "cluster", value_name = "NAME=KUBECONFIG", required = true, value_parser = cluster)]
    pub(crate) clusters: Vec<(ClusterName, PathBuf)>,

    /// The folder that is written, with credentials in it: nobody but its owner may read them
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Where the folder will lie on Envoy's machine; where it is written when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) at: Option<PathBuf>,

    /// Where Envoy listens: in clear on this machine alone, elsewhere with a certificate
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:30080")]
    pub(crate) listen: SocketAddr,

    /// The certificate chain to listen with, PEM, on Envoy's machine
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM, on Envoy's machine
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Where Envoy's admin page listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9901")]
    pub(crate) envoy_admin: SocketAddr,

    /// The filter module on Envoy's machine
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/share/cubegate/cubegate_filter.wasm"
    )]
    pub(crate) filter: PathBuf,

    /// The keys that tokens are checked against, as a gateway publishes them at /oauth/keys; those of the data directory when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<PathBuf>,

    /// The `iss` of the tokens
    #[arg(
        long,
        env = "CUBEGATE_ISSUER",
        default_value = "cubegate",
        value_name = "NAME"
    )]
    pub(crate) issuer: String,

    #[command(flatten)]
    pub(crate) system_ca: SystemCaArgs,

    #[command(flatten)]
    pub(crate) data: DataDirArgs,
}

fn cluster(given: &str) -> Result<(ClusterName, PathBuf), String> {
    let (name, file) = given
        .split_once('=')
        .ok_or("write NAME=KUBECONFIG, for example member-1=member-1.kubeconfig")?;
    let name = name
        .parse()
        .map_err(|error: cubegate_domain::ClusterNameError| error.to_string())?;
    Ok((name, PathBuf::from(file)))
}
