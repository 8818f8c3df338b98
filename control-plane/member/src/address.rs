//! Where the API server of a cluster may be that somebody registers over the network.
//!
//! Whoever may register clusters makes the gateway connect, and every user after that. So
//! what only this machine reaches is refused: its own ports, loopback, link-local
//! addresses with the metadata services of clouds, and plain HTTP, which nearly everything
//! speaks.
//!
//! A name is looked up and all of its addresses count. Envoy looks it up again and again,
//! and the owner of a name may let it lead elsewhere later. That opens nothing, because
//! a name is taken with HTTPS only: Envoy sends nothing before the other side has proved
//! by a certificate of the registered CA that it is that name, which no other service
//! does. Plain HTTP is taken for an address of an allowed network, which stays what it is.

mod kind;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

use cubegate_domain::{ApiServer, Scheme};
use ipnet::IpNet;
use thiserror::Error;
use tokio::{net, time};

/// How long a look-up may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Where clusters may be beside what is everybody's to reach. The default allows nothing
/// more.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<ClusterNetwork>,
    own: Vec<SocketAddr>,
}

/// A network in CIDR form, as `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterNetwork(IpNet);

/// A text that is no [`ClusterNetwork`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("give a network as 10.1.0.0/16 or fd00::/8, or an address")]
pub struct ClusterNetworkError;

/// Why an API server may not be registered. Clients see these sentences.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Plain HTTP.
    #[error(
        "{server} is spoken to in clear, which is not taken over the API; give an https server, or let an operator add the cluster with `cubegate cluster add` or allow its network with --allow-cluster-address"
    )]
    Plain {
        /// The server URL.
        server: String,
    },
    /// Plain HTTP for a name, which may lead elsewhere when it is looked up again.
    #[error(
        "{server} is spoken to in clear under a name, and a name may lead elsewhere later; give its IP address, or an https server, or let an operator add the cluster with `cubegate cluster add`"
    )]
    PlainName {
        /// The server URL.
        server: String,
    },
    /// An address that only the gateway's machine or its network reaches.
    #[error(
        "{host} leads to {address}, which is {kind} and not taken over the API; give an address that others reach, too, or let an operator add the cluster with `cubegate cluster add` or allow its network with --allow-cluster-address"
    )]
    Kind {
        /// The host of the server URL.
        host: String,
        /// The address.
        address: IpAddr,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The gateway itself.
    #[error("{host} leads to {address}, where the gateway itself listens; it is no cluster")]
    Own {
        /// The host of the server URL.
        host: String,
        /// The address with its port.
        address: SocketAddr,
    },
    /// The name does not resolve, so nobody can say where it leads.
    #[error(
        "the name {host} is not found; check the server of the kubeconfig and the DNS of the gateway's machine"
    )]
    NotFound {
        /// The name.
        host: String,
    },
}

// === impl AddressPolicy ===

impl AddressPolicy {
    /// Allows these networks, too, but never what the gateway listens on itself.
    pub fn new(allowed: Vec<ClusterNetwork>, own: Vec<SocketAddr>) -> Self {
        Self { allowed, own }
    }

    /// Whether an API server may be registered over the network.
    ///
    /// # Errors
    /// Why not; see [`AddressError`].
    pub async fn check(&self, server: &ApiServer) -> Result<(), AddressError> {
        let host = &server.host;
        let addresses = lookup(host, server.port).await?;
        for address in &addresses {
            let ip = kind::innermost(address.ip());
            if self.is_own(ip, server.port) {
                return Err(AddressError::Own {
                    host: host.clone(),
                    address: *address,
                });
            }
            if let Some(kind) = kind::of(ip)
                && !self.allows(ip)
            {
                return Err(AddressError::Kind {
                    host: host.clone(),
                    address: ip,
                    kind,
                });
            }
        }
        let all_allowed = addresses
            .iter()
            .all(|address| self.allows(kind::innermost(address.ip())));
        if server.scheme == Scheme::Http {
            let server = server.to_string();
            if !all_allowed {
                return Err(AddressError::Plain { server });
            }
            if host.parse::<IpAddr>().is_err() {
                return Err(AddressError::PlainName { server });
            }
        }
        Ok(())
    }

    fn allows(&self, ip: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.0.contains(&ip))
    }

    fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        let mut on_port = self.own.iter().filter(|own| own.port() == port);
        on_port.any(|own| own.ip() == ip || is_of_this_machine(ip))
    }
}

async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, AddressError> {
    let found = time::timeout(LOOKUP_TIMEOUT, net::lookup_host((host, port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if addresses.is_empty() {
        return Err(AddressError::NotFound {
            host: host.to_owned(),
        });
    }
    Ok(addresses)
}

/// Only an own address can be bound; which ones there are is asked the system and not
/// remembered, since they come and go.
fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

// === impl ClusterNetwork ===

impl FromStr for ClusterNetwork {
    type Err = ClusterNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(|_| ClusterNetworkError)
    }
}
