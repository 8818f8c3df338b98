//! `cubegate credential` and `kubeconfig`: for users of a gateway, on their own machines.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which gateway, and with what.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClientArgs {
    /// The gateway's URL, as `https://gateway.example:30443`
    #[arg(long, env = "CUBEGATE_GATEWAY", value_name = "URL")]
    pub(crate) gateway: String,

    /// A file with the CA of its certificate, PEM; a CA that the system trusts when absent
    #[arg(long, env = "CUBEGATE_GATEWAY_CA", value_name = "FILE")]
    pub(crate) gateway_ca: Option<PathBuf>,

    /// A file with an access key (`accessKey` and `secretKey`) or a refresh token (`refresh_token`), JSON as the gateway gives them; nobody but its owner may read it. Another refresh token is written there with each use
    #[arg(
        long,
        env = "CUBEGATE_CREDENTIAL_FILE",
        value_name = "FILE",
        required_unless_present = "credential_helper"
    )]
    pub(crate) credential_file: Option<PathBuf>,

    /// The keyring that holds it, under the gateway's URL: the program docker-credential-NAME is asked, as secretservice, osxkeychain or pass. An access key is the user name there, a refresh token has the user name `<token>`
    #[arg(
        long,
        env = "CUBEGATE_CREDENTIAL_HELPER",
        value_name = "NAME",
        conflicts_with = "credential_file"
    )]
    pub(crate) credential_helper: Option<String>,

    /// The folder in which tokens are kept until they end; nobody but its owner may enter it. $XDG_CACHE_HOME/cubegate/tokens or ~/.cache/cubegate/tokens when absent
    #[arg(long, env = "CUBEGATE_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// `cubegate credential`
#[derive(Debug, Args)]
pub(crate) struct CredentialArgs {
    #[command(flatten)]
    pub(crate) client: ClientArgs,

    /// The cluster that the token is for, and for no other; when absent that of the kubeconfig's server, if kubectl tells it (`provideClusterInfo`), and every cluster otherwise
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}

/// `cubegate kubeconfig`
#[derive(Debug, Args)]
pub(crate) struct KubeconfigArgs {
    #[command(flatten)]
    pub(crate) client: ClientArgs,

    /// The file that is written, which nobody but its owner may read; it is printed when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Make the one in --output again, under the same session
    #[arg(long, requires = "output", conflicts_with = "exec")]
    pub(crate) renew: bool,

    /// Put no tokens in: kubectl asks `cubegate credential` for them, with the same flags
    #[arg(long)]
    pub(crate) exec: bool,

    /// What kubectl finds this program by
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "cubegate",
        requires = "exec"
    )]
    pub(crate) command: String,

    /// In which version kubectl asks; before 1.22 it knows v1beta1 alone
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = ExecVersion::V1, requires = "exec")]
    pub(crate) exec_version: ExecVersion,
}

/// A version of `client.authentication.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExecVersion {
    /// From Kubernetes 1.22 on
    V1,
    /// From Kubernetes 1.11 on
    V1beta1,
}

// === impl ExecVersion ===

impl ExecVersion {
    /// Returns it with its group, as it stands in documents.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}
