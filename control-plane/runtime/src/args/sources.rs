//! Where clusters come from while the control plane serves.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The sources that are followed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sources of clusters")]
pub(crate) struct SourcesArgs {
    /// A folder of kubeconfigs that is followed: each file (NAME, NAME.yaml, .yml, .json or .kubeconfig) is the cluster NAME by its current-context; what is changed or removed there is changed or removed here
    #[arg(long, env = "CUBEGATE_CLUSTERS_DIR", value_name = "DIR")]
    pub(crate) clusters_dir: Option<PathBuf>,

    /// Whose Cluster objects on the host cluster are followed, may be given several times: each is a cluster of its name, and what is changed or removed there is changed or removed here. The gateway's credential there must let it list and watch them (`cubegate cluster manifest --clusters-from`)
    #[arg(
        long,
        env = "CUBEGATE_CLUSTERS_FROM",
        value_name = "PRODUCT",
        value_delimiter = ','
    )]
    pub(crate) clusters_from: Vec<Product>,
}

/// Who keeps clusters as objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Product {
    /// clusters.cluster.kubecube.io
    #[value(name = "kubecube")]
    KubeCube,
    /// clusters.cluster.kubesphere.io
    #[value(name = "kubesphere")]
    KubeSphere,
}
