//! `cubegate cluster …`, what is known of clusters, and whose pages may call.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use cubegate_member::{AddressPolicy, ClusterNetwork};
use url::{Origin, Url};

use super::{DataArgs, ListingArgs, Product, SourcesArgs, SystemCaArgs};

/// Discovery and CORS.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clusters and CORS")]
pub(crate) struct ClustersArgs {
    /// How often each cluster is asked whether it has other resources, in seconds; a new custom resource is listed after twice that time, or soon after it was asked for
    #[arg(
        long, env = "CUBEGATE_DISCOVERY_INTERVAL", value_name = "SECONDS", default_value_t = 30,
        value_parser = value_parser!(u64).range(1..=3_600)
    )]
    pub(crate) discovery_interval: u64,

    /// A web page's origin (https://host or https://host:port) that may call from a browser, may be given several times
    #[arg(
        long = "cors-origin",
        env = "CUBEGATE_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = origin
    )]
    pub(crate) cors_origins: Vec<String>,

    /// Refuse requests to clusters that are to be made for somebody else than their caller (kubectl --as), also where a cluster's own rules allow it
    #[arg(long, env = "CUBEGATE_NO_IMPERSONATION")]
    pub(crate) no_impersonation: bool,

    /// Refuse paths that name no cluster (/api, /apis and others), which are the host cluster's: kubectl makes them of others by itself (--raw, proxy)
    #[arg(long, env = "CUBEGATE_NO_HOST_PATHS")]
    pub(crate) no_host_paths: bool,

    /// A network (10.1.0.0/16) or address where clusters may be that are added over the API although they are spoken to in clear (under an IP address, not a name), or are on loopback or link-local addresses; may be given several times. `cubegate cluster add` needs no such leave
    #[arg(
        long = "allow-cluster-address",
        env = "CUBEGATE_ALLOW_CLUSTER_ADDRESS",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub(crate) cluster_addresses: Vec<ClusterNetwork>,

    #[command(flatten)]
    pub(crate) sources: SourcesArgs,
}

/// `cubegate cluster …`
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Register a cluster from a kubeconfig
    Add(ClusterAddArgs),
    /// List the registered clusters
    List(ListingArgs),
    /// Make a cluster the host: the one that paths mean which name none
    Host {
        /// Its name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Print the role that the gateway needs in a member cluster, for kubectl apply
    Manifest(ClusterManifestArgs),
    /// Write the gateway's kubeconfig for a member cluster where that manifest has been applied
    Kubeconfig(ClusterKubeconfigArgs),
    /// Remove a cluster
    Remove {
        /// Its name
        name: String,
        /// Remove it also when it comes from a source that control planes follow, or did; one that still has it registers it again
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `cubegate cluster add`
#[derive(Debug, Args)]
pub(crate) struct ClusterAddArgs {
    /// The name that stands in URLs: a-z, 0-9, '-' and '.'
    pub(crate) name: String,
    /// The kubeconfig that leads to the cluster
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: PathBuf,
    /// The context in it; the current one when absent
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// Register it without asking the API server first
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Take the place of a cluster of that name
    #[arg(long)]
    pub(crate) replace: bool,
    /// Make it the host cluster: the one that paths mean which name none; the first one is it by itself
    #[arg(long)]
    pub(crate) host: bool,
    #[command(flatten)]
    pub(crate) system_ca: SystemCaArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `cubegate cluster manifest`
#[derive(Debug, Args)]
pub(crate) struct ClusterManifestArgs {
    /// A group that users of the gateway are in, may be given several times; kubecube, cubegate:admins and system:authenticated are there by themselves
    #[arg(long = "group", value_name = "NAME", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// A user that the gateway may act as, may be given several times; every user when absent
    #[arg(long = "user", value_name = "NAME", value_delimiter = ',')]
    pub(crate) users: Vec<String>,
    /// The name of the role, its binding and the service account
    #[arg(long, value_name = "NAME", default_value = "cubegate-gateway")]
    pub(crate) name: String,
    /// The namespace of the service account
    #[arg(long, value_name = "NAME", default_value = "cubegate-system")]
    pub(crate) namespace: String,
    /// Bind the role to the user of a client certificate (its common name), and make no service account
    #[arg(long, value_name = "NAME")]
    pub(crate) subject_user: Option<String>,
    /// Let the gateway also list and watch the Cluster objects of this product, on the host cluster whose clusters it follows (`serve --clusters-from`); may be given several times
    #[arg(long, value_name = "PRODUCT", value_delimiter = ',')]
    pub(crate) clusters_from: Vec<Product>,
    /// The cluster's Kubernetes, as 1.29 or newer, which decides the version of the FlowSchema
    #[arg(long, value_name = "VERSION", default_value = "1.29", value_parser = kubernetes_version)]
    pub(crate) kubernetes_version: (u32, u32),
    /// How large a share of the API server's concurrency the gateway's users have together; its own levels have 5 to 40
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) concurrency_shares: u16,
    /// Print no FlowSchema: the gateway's users share the API server's concurrency with everybody else
    #[arg(long, conflicts_with_all = ["kubernetes_version", "concurrency_shares"])]
    pub(crate) no_flow_schema: bool,
}

/// `cubegate cluster kubeconfig`
#[derive(Debug, Args)]
pub(crate) struct ClusterKubeconfigArgs {
    /// The kubeconfig of somebody who may read the service account's Secret, or make tokens for it
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: PathBuf,
    /// The context in it; the current one when absent
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// The name of the service account
    #[arg(long, value_name = "NAME", default_value = "cubegate-gateway")]
    pub(crate) name: String,
    /// The namespace of the service account
    #[arg(long, value_name = "NAME", default_value = "cubegate-system")]
    pub(crate) namespace: String,
    /// Ask for a token that ends after so many seconds, in place of that in the Secret, which does not end
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(600..))]
    pub(crate) token_lifetime: Option<u32>,
    /// The file that is written; nobody but its owner may read it
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

// === impl ClustersArgs ===

impl ClustersArgs {
    /// From one reading of a cluster's resources to the next.
    pub(crate) fn discovery_interval(&self) -> Duration {
        Duration::from_secs(self.discovery_interval)
    }

    /// Returns where clusters may be that are added over the API; never where the gateway
    /// itself listens.
    pub(crate) fn address_policy(&self, own: Vec<SocketAddr>) -> AddressPolicy {
        AddressPolicy::new(self.cluster_addresses.clone(), own)
    }

    /// As browsers write them.
    pub(crate) fn cors_origins(&self) -> BTreeSet<String> {
        self.cors_origins.iter().cloned().collect()
    }
}

/// The version of a cluster, as `1.29`; of a patch level or a `v` before it nothing depends.
fn kubernetes_version(given: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{given:?} is no version of Kubernetes; write for example 1.29");
    let mut parts = given.trim_start_matches('v').split('.');
    let mut number = || {
        let part = parts.next().and_then(|part| part.parse().ok());
        part.ok_or_else(wrong)
    };
    Ok((number()?, number()?))
}

/// An origin (RFC 6454) in the form that browsers send: in small letters, without the
/// scheme's own port.
fn origin(given: &str) -> Result<String, String> {
    if given == "*" {
        return Err(
            "each origin has to be named; * would let every page of the web call with its visitor's credentials"
                .to_owned(),
        );
    }
    let wrong = || {
        "an origin is http or https, a host and perhaps a port, without a path: https://console.example".to_owned()
    };
    let url = Url::parse(given).map_err(|_| wrong())?;
    let (_, authority) = given.split_once("://").ok_or_else(wrong)?;
    let origin = url.origin();
    let is_web = matches!(url.scheme(), "http" | "https");
    match origin {
        Origin::Tuple(..) if is_web && !authority.contains(['/', '\\', '?', '#', '@', '*']) => {
            Ok(origin.ascii_serialization())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        clusters: ClustersArgs,
    }

    fn origins(line: &[&str]) -> Result<Vec<String>, String> {
        let line = std::iter::once(&"test").chain(line);
        Line::try_parse_from(line)
            .map(|line| line.clusters.cors_origins().into_iter().collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        assert_eq!(origins(&[]).unwrap(), Vec::<String>::new());
        let line = [
            "--cors-origin=https://Console.example:443",
            "--cors-origin=http://localhost:3000,https://[::1]:8443",
        ];
        let kept = [
            "http://localhost:3000",
            "https://[::1]:8443",
            "https://console.example",
        ];
        assert_eq!(origins(&line).unwrap(), kept);
    }

    #[test]
    fn what_is_no_origin_is_refused_in_words() {
        for given in [
            "console.example",
            "https://",
            "https://a.example/",
            "https://a.example/page",
            "https://a.example?x",
            "https://user@a.example",
            "https:a.example",
            "ftp://a.example",
            "null",
            "https://*.example",
            "",
        ] {
            let error = origins(&[&format!("--cors-origin={given}")]).unwrap_err();
            assert!(
                error.contains("an origin is http or https"),
                "{given}: {error}"
            );
        }
        let error = origins(&["--cors-origin=*"]).unwrap_err();
        assert!(error.contains("each origin has to be named"), "{error}");
    }
}
