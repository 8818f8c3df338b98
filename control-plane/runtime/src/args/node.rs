//! `cubegate node …`, and how long certificates of Envoys are valid.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::{DataArgs, ListingArgs, LogArgs};

/// Certificates between control plane and Envoys.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Envoys")]
pub(crate) struct NodesArgs {
    /// How long the certificates of Envoys and control plane are valid, in seconds; they are renewed after two thirds of it
    #[arg(
        long, env = "CUBEGATE_NODE_CERTIFICATE_LIFETIME", value_name = "SECONDS", default_value_t = 2_592_000,
        value_parser = value_parser!(u32).range(10..=31_536_000)
    )]
    pub(crate) node_certificate_lifetime: u32,
}

/// `cubegate node …`
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// List the Envoys that have a certificate
    List(ListingArgs),
    /// Shut an Envoy out: it gets nothing any more, and its connections end
    Revoke {
        /// Its name
        #[arg(value_parser = node_name)]
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// On an Envoy's machine: get a new certificate with the one that is there
    Renew(NodeRenewArgs),
}

/// `cubegate node renew`
#[derive(Debug, Args)]
pub(crate) struct NodeRenewArgs {
    /// The folder that `cubegate bootstrap --write-certs` has written
    #[arg(
        long,
        env = "CUBEGATE_XDS_CERTS",
        default_value = "/etc/cubegate/xds",
        value_name = "DIR"
    )]
    pub(crate) certs: PathBuf,

    #[command(flatten)]
    pub(crate) xds: XdsAddressArgs,

    #[command(flatten)]
    pub(crate) log: LogArgs,

    /// Stay, and get a new one whenever two thirds of the life of the last one are over
    #[arg(long)]
    pub(crate) watch: bool,
}

/// Where the control planes are, as an Envoy sees them.
#[derive(Debug, Args)]
pub(crate) struct XdsAddressArgs {
    /// Where a control plane serves xDS, HOST:PORT; may be given several times
    #[arg(
        long = "xds-address",
        env = "CUBEGATE_XDS_ADDRESS",
        default_value = "cubegate-control-plane:18000",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    pub(crate) xds_addresses: Vec<String>,
}

// === impl NodesArgs ===

impl NodesArgs {
    /// From the issue of a certificate to its end.
    pub(crate) fn lifetime(&self) -> time::Duration {
        time::Duration::seconds(i64::from(self.node_certificate_lifetime))
    }
}

/// Returns what a certificate can name.
pub(super) fn node_name(given: &str) -> Result<String, String> {
    cubegate_domain::check_node_name(given).map_err(|error| error.to_string())?;
    Ok(given.to_owned())
}
