//! The server URL.

use cubegate_domain::{ApiServer, Scheme};
use url::{Host, Url};

use crate::KubeconfigError;

/// Takes `server` apart; a path behind the port is kept as prefix.
pub(super) fn parse(server: &str) -> Result<ApiServer, KubeconfigError> {
    let wrong = |problem: String| KubeconfigError::Server { problem };
    if server.is_empty() {
        return Err(wrong("is missing".to_owned()));
    }
    let url = Url::parse(server).map_err(|error| wrong(format!("is not a URL ({error})")))?;
    let scheme = match url.scheme() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err(wrong("does not begin with https://".to_owned())),
    };
    // None of these is repeated in the message: a password may stand there.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds a query or fragment".to_owned()));
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(wrong("names no host".to_owned())),
    };
    Ok(ApiServer {
        scheme,
        host,
        port: url.port().unwrap_or_else(|| scheme.default_port()),
        path_prefix: url.path().trim_end_matches('/').to_owned(),
    })
}
