//! `cubegate kubernetes …`: what the chart's jobs run.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::node::node_name;
use super::{NodesArgs, XdsAddressArgs};

/// `cubegate kubernetes …`
#[derive(Debug, Subcommand)]
pub(crate) enum KubernetesCommand {
    /// Make the Secrets that are missing, and certificates anew of whose life two thirds are over
    Secrets(KubernetesSecretsArgs),
}

/// `cubegate kubernetes secrets`
#[derive(Debug, Args)]
pub(crate) struct KubernetesSecretsArgs {
    /// The namespace of the Secrets; the pod's own when absent
    #[arg(long, env = "CUBEGATE_NAMESPACE", value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// A kubeconfig to be used in the place of the pod's service account
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The Secret with the files of `cubegate keys init`; it is made once, and never changed
    #[arg(
        long = "keys-secret",
        value_name = "NAME",
        default_value = "cubegate-keys"
    )]
    pub(crate) keys: String,

    /// Do not make that Secret: that it is missing is an error
    #[arg(long)]
    pub(crate) keys_exist: bool,

    /// An Envoy, or a fleet of them, and the Secret of type kubernetes.io/tls with its certificate; may be given several times
    #[arg(long = "envoy", value_name = "NODE=SECRET", value_parser = envoy)]
    pub(crate) envoys: Vec<(String, String)>,

    /// The Secret of type kubernetes.io/tls with the listener's certificate
    #[arg(long, value_name = "SECRET")]
    pub(crate) listener: Option<String>,

    /// A name or address that clients reach the listener by, may be given several times
    #[arg(
        long = "listener-name",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "listener"
    )]
    pub(crate) listener_names: Vec<String>,

    /// The Secret of type kubernetes.io/tls with the CA of Envoys and control planes, for an issuer of cert-manager
    #[arg(long, value_name = "SECRET")]
    pub(crate) xds_ca: Option<String>,

    /// The Secret of type kubernetes.io/tls with the CA of the listener, for an issuer of cert-manager
    #[arg(long, value_name = "SECRET")]
    pub(crate) gateway_ca: Option<String>,

    #[command(flatten)]
    pub(crate) xds: XdsAddressArgs,

    #[command(flatten)]
    pub(crate) nodes: NodesArgs,
}

fn envoy(given: &str) -> Result<(String, String), String> {
    let (node, secret) = given
        .split_once('=')
        .filter(|(_, secret)| !secret.is_empty())
        .ok_or("write NODE=SECRET, for example edge=cubegate-edge-xds")?;
    Ok((node_name(node)?, secret.to_owned()))
}
