//! The URL of a gateway.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use url::{Host, Url};

/// The URL of a gateway: scheme, host and port, and nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayUrl(String);

// === impl GatewayUrl ===

impl GatewayUrl {
    /// Returns it without a slash at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a URL leads to this gateway.
    pub(super) fn is_origin_of(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin().ascii_serialization() == self.0)
    }

    /// The cluster of a server in a kubeconfig, if it is one of this gateway.
    pub(super) fn cluster_of(&self, server: &str) -> Option<String> {
        let url = Url::parse(server).ok()?;
        if url.origin().ascii_serialization() != self.0 {
            return None;
        }
        let name = url.path().strip_prefix("/clusters/")?;
        let name = name.strip_suffix('/').unwrap_or(name);
        (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
    }
}

impl FromStr for GatewayUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let advice = "--gateway is a URL without a path, as https://gateway.example:30443";
        let url = Url::parse(text).ok().context(advice)?;
        let has_more = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if has_more {
            bail!("{advice}");
        }
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => bail!("{advice}"),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => {
                bail!("--gateway must be https: the credential would go over the network in clear")
            }
            _ => bail!("{advice}"),
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateways_url_has_no_path_and_is_in_clear_on_this_machine_alone() {
        for (text, expected) in [
            ("https://gw.example", "https://gw.example"),
            ("https://GW.example:443/", "https://gw.example"),
            ("https://gw.example:30443", "https://gw.example:30443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://localhost", "http://localhost"),
        ] {
            let url: GatewayUrl = text.parse().unwrap();
            assert_eq!(url.as_str(), expected);
        }
        for text in [
            "gw.example",
            "http://gw.example",
            "ftp://gw.example",
            "https://gw.example/clusters/a",
            "https://gw.example?a=b",
            "https://jeff:secret@gw.example",
        ] {
            let refused = text.parse::<GatewayUrl>().unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
