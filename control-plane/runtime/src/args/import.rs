//! `cubegate import`

use std::path::PathBuf;

use clap::Args;

use super::DataArgs;

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
