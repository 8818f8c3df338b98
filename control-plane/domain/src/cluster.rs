//! Member clusters: how their API server is reached and with which credential.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use time::OffsetDateTime;

/// The name that stands in a path: a DNS-1123 subdomain, as Kubernetes names objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

/// Why a cluster name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the cluster name {0:?} must have 1 to 253 of a-z, 0-9, '-' and '.', and begin and end with a letter or digit"
)]
pub struct ClusterNameError(pub String);

/// The first of these that could be a cluster's name and is none of the known ones.
pub fn unknown_cluster<'a>(wanted: &'a [String], known: &[String]) -> Option<&'a str> {
    wanted
        .iter()
        .find(|name| name.parse::<ClusterName>().is_ok() && !known.contains(name))
        .map(String::as_str)
}

/// How the API server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In clear; for tests on loopback.
    Http,
    /// With TLS.
    Https,
}

/// Where the API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiServer {
    /// TLS or not.
    pub scheme: Scheme,
    /// A DNS name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What the server URL has behind the port, without a trailing slash.
    pub path_prefix: String,
}

/// How the API server proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterTls {
    /// The CA bundle in PEM; `None` trusts the system's CAs.
    pub ca_pem: Option<String>,
    /// The name that the certificate must carry, when it is not the host.
    pub server_name: Option<String>,
}

/// What the gateway shows the API server. Its `Debug` form hides secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum ClusterCredential {
    /// Nothing.
    None,
    /// A client certificate with its key, both PEM.
    ClientCertificate {
        /// The certificate chain.
        certificate_pem: String,
        /// The private key.
        key_pem: String,
    },
    /// A bearer token.
    BearerToken(String),
    /// A bearer token that stands in a file, which control planes read again.
    TokenFile {
        /// The absolute path.
        file: String,
        /// What it held the last time.
        token: String,
    },
}

/// A registered cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name in paths.
    pub name: ClusterName,
    /// Where its API server is.
    pub server: ApiServer,
    /// How the API server proves itself; meaningless for [`Scheme::Http`].
    pub tls: ClusterTls,
    /// The gateway's own credential there.
    pub credential: ClusterCredential,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// By what.
    pub source: ClusterSource,
}

/// By what a cluster was registered as it is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterSource {
    /// Before that was kept.
    #[default]
    Unknown,
    /// Over the HTTP API.
    Api,
    /// On the command line.
    Cli,
    /// By an import.
    Import,
    /// From a folder of kubeconfigs, which control planes follow.
    Folder,
    /// From the `Cluster` objects of KubeCube on the host cluster, likewise.
    KubeCube,
    /// From the `Cluster` objects of KubeSphere on the host cluster, likewise.
    KubeSphere,
}

// === impl ClusterName ===

impl ClusterName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterName {
    type Err = ClusterNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let alphanumeric =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        if name.len() <= 253
            && name.chars().all(inner)
            && alphanumeric(name.chars().next())
            && alphanumeric(name.chars().last())
        {
            Ok(Self(name.to_owned()))
        } else {
            Err(ClusterNameError(name.to_owned()))
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Cluster ===

impl Cluster {
    /// Returns whether its API server is proven by the system's CAs, for want of its own.
    pub fn needs_system_ca(&self) -> bool {
        self.server.scheme == Scheme::Https && self.tls.ca_pem.is_none()
    }
}

// === impl ClusterSource ===

impl ClusterSource {
    /// Those that control planes follow.
    pub const FOLLOWED: [Self; 3] = [Self::Folder, Self::KubeCube, Self::KubeSphere];

    /// Returns the word that stands in the database and in the API; empty where it is not
    /// known.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Import => "import",
            Self::Folder => "folder",
            Self::KubeCube => "kubecube",
            Self::KubeSphere => "kubesphere",
        }
    }

    /// Reads the word; one that a later release has written is not known here.
    pub fn parse(word: &str) -> Self {
        match word {
            "api" => Self::Api,
            "cli" => Self::Cli,
            "import" => Self::Import,
            "folder" => Self::Folder,
            "kubecube" => Self::KubeCube,
            "kubesphere" => Self::KubeSphere,
            _ => Self::Unknown,
        }
    }

    /// Returns whether control planes follow it: what it has made, it alone changes and
    /// removes.
    pub fn is_followed(self) -> bool {
        Self::FOLLOWED.contains(&self)
    }

    /// Says where a cluster that it has made is removed, as an instruction in half a sentence;
    /// empty where that is here.
    pub fn where_removed(self) -> &'static str {
        match self {
            Self::Unknown | Self::Api | Self::Cli | Self::Import => "",
            Self::Folder => {
                "it comes from the folder of kubeconfigs (--clusters-dir): change or remove its file there"
            }
            Self::KubeCube => {
                "it comes from KubeCube: change or remove its Cluster object (clusters.cluster.kubecube.io) on the host cluster"
            }
            Self::KubeSphere => {
                "it comes from KubeSphere: change or remove its Cluster object (clusters.cluster.kubesphere.io) on the host cluster"
            }
        }
    }
}

// === impl Scheme ===

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port that a URL means when it names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

// === impl ApiServer ===

impl ApiServer {
    /// `host:port` as it stands in a `Host` header, with brackets around IPv6;
    /// the scheme's own port is left out.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl fmt::Display for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme.as_str(),
            self.authority(),
            self.path_prefix
        )
    }
}

// === impl ClusterCredential ===

impl ClusterCredential {
    /// Returns the bearer token, wherever it stands.
    pub fn bearer_token(&self) -> Option<&str> {
        match self {
            Self::None | Self::ClientCertificate { .. } => None,
            Self::BearerToken(token) | Self::TokenFile { token, .. } => Some(token),
        }
    }
}

impl fmt::Debug for ClusterCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::ClientCertificate { .. } => "ClientCertificate(..)",
            Self::BearerToken(_) => "BearerToken(..)",
            Self::TokenFile { .. } => "TokenFile(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names_are_dns_subdomains() {
        for name in ["pivot-cluster", "member-1", "a", "eu.prod-3"] {
            assert!(name.parse::<ClusterName>().is_ok(), "{name}");
        }
        for name in [
            "",
            "-a",
            "a-",
            "A",
            "a_b",
            "a/b",
            "a%bc",
            "a b",
            &"a".repeat(254),
        ] {
            assert!(name.parse::<ClusterName>().is_err(), "{name}");
        }
    }

    #[test]
    fn authority_brackets_ipv6_and_leaves_out_the_default_port() {
        let server = |host: &str, port| ApiServer {
            scheme: Scheme::Https,
            host: host.to_owned(),
            port,
            path_prefix: String::new(),
        };
        assert_eq!(server("::1", 6443).authority(), "[::1]:6443");
        assert_eq!(
            server("api.example", 443).to_string(),
            "https://api.example"
        );
    }

    #[test]
    fn a_source_is_read_as_it_is_written_and_followed_ones_say_where() {
        use ClusterSource::{Api, Cli, Folder, Import, KubeCube, KubeSphere, Unknown};
        for source in [Unknown, Api, Cli, Import, Folder, KubeCube, KubeSphere] {
            assert_eq!(ClusterSource::parse(source.as_str()), source);
            assert_eq!(source.is_followed(), !source.where_removed().is_empty());
        }
        assert_eq!(ClusterSource::parse("of a later release"), Unknown);
    }

    #[test]
    fn credentials_do_not_show_in_debug_output() {
        let shown = format!("{:?}", ClusterCredential::BearerToken("s3cret".to_owned()));
        assert!(!shown.contains("s3cret"));
    }
}
