//! `cubegate doctor`

use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, ListenArgs, OutputArgs};

/// `cubegate doctor`: the flags that `serve` was started with say where to look.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    // What `up` has noted in the data directory counts before them.
    #[command(flatten)]
    pub(crate) listen: ListenArgs,

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
