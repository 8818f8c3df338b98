//! Where a request came from: tries are counted by it, and it stands in records. The
//! headers are an Envoy's; those of anybody else are gone by now ([`crate::peer`]).

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::peer::Peer;

/// The client's address, if anything tells it.
pub(crate) struct ClientIp(pub(crate) Option<IpAddr>);

// === impl ClientIp ===

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = || Peer::of(&parts.extensions).map(|peer| peer.address.ip());
        Ok(Self(
            from_headers(&parts.headers)
                .or_else(peer)
                .map(|ip| ip.to_canonical()),
        ))
    }
}

/// Returns the client's address of a request with these headers, which came from this peer:
/// what an Envoy says of it, or where anybody else is. `None` when nothing tells it.
pub fn client_address(headers: &HeaderMap, peer: Option<&Peer>) -> Option<IpAddr> {
    let peer = peer?;
    let said = match peer.envoy {
        Some(_) => from_headers(headers),
        None => None,
    };
    let address = said.unwrap_or_else(|| peer.address.ip());
    Some(address.to_canonical())
}

/// Envoy's own finding, or else the last hop it appended.
fn from_headers(headers: &HeaderMap) -> Option<IpAddr> {
    let parse = |text: &str| text.trim().parse().ok();
    let external = headers
        .get("x-envoy-external-address")
        .and_then(|value| value.to_str().ok());
    external.and_then(parse).or_else(|| {
        let last = headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()?
            .to_str()
            .ok()?;
        parse(last.rsplit(',').next()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        from_headers(&map).map(|ip| ip.to_string())
    }

    #[test]
    fn envoys_finding_comes_first_then_the_last_hop() {
        let external = ("x-envoy-external-address", "203.0.113.7");
        let hops = ("x-forwarded-for", "10.0.0.1, 198.51.100.2");
        assert_eq!(ip(&[external, hops]).as_deref(), Some("203.0.113.7"));
        assert_eq!(ip(&[hops]).as_deref(), Some("198.51.100.2"));
        assert_eq!(ip(&[("x-forwarded-for", "junk")]), None);
        assert_eq!(ip(&[]), None);
    }
}
