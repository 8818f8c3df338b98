//! What can be asked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// The URL of a server on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub(crate) is_tls: bool,
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
}

/// A URL that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} cannot be asked for health; write http or https, localhost or a loopback address, and a path: https://127.0.0.1:30443/livez/filter"
)]
pub struct UrlError(String);

// === impl Url ===

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(given: &str) -> Result<Self, UrlError> {
        parse(given).ok_or_else(|| UrlError(given.to_owned()))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.address, self.path)
    }
}

fn parse(given: &str) -> Option<Url> {
    let (scheme, rest) = given.split_once("://")?;
    let (is_tls, default_port) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return None,
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // It becomes a line of the request.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, default_port),
    };
    let ip = match host {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(host) => IpAddr::V6(host.parse::<Ipv6Addr>().ok()?),
            None => IpAddr::V4(host.parse::<Ipv4Addr>().ok()?),
        },
    };
    ip.is_loopback().then(|| Url {
        is_tls,
        address: SocketAddr::new(ip, port),
        path: format!("/{path}"),
    })
}
