//! Who is at the other end of a connection, and what is believed of what it says.
//!
//! An Envoy says for whom it asks: the client's address, the request's id and path, and
//! that it exchanges a password. It is believed because it has shown a certificate.
//! Everybody else who reaches this port speaks for themselves.

use std::net::SocketAddr;
use std::time::SystemTime;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use cubegate_filter_config::INTERNAL_HEADER_PREFIX;

/// What is at the beginning of names of headers that only a proxy sends.
const PROXY_PREFIXES: [&str; 3] = ["x-envoy-", "x-forwarded-", INTERNAL_HEADER_PREFIX];

/// And such names as a whole.
const PROXY_HEADERS: [&str; 3] = ["forwarded", "x-request-id", "x-real-ip"];

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The Envoy that has shown its certificate; `None` for anybody else.
    pub envoy: Option<EnvoyPeer>,
}

/// An Envoy at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvoyPeer {
    /// Its name.
    pub node: String,
    /// After that the connection is closed with its next answer: the certificate that it
    /// began with is about to end.
    pub close_after: SystemTime,
}

// === impl Peer ===

impl Peer {
    /// Returns the peer of a request, if anything tells it.
    pub(crate) fn of(extensions: &axum::http::Extensions) -> Option<&Self> {
        extensions
            .get::<ConnectInfo<Self>>()
            .map(|ConnectInfo(peer)| peer)
    }
}

/// Takes out what is not believed.
pub(crate) async fn sift(mut request: Request, next: Next) -> Response {
    let envoy = Peer::of(request.extensions()).and_then(|peer| peer.envoy.clone());
    if envoy.is_none() {
        remove_foreign(request.headers_mut());
    }
    let mut response = next.run(request).await;
    if envoy.is_some_and(|envoy| SystemTime::now() >= envoy.close_after) {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn remove_foreign(headers: &mut HeaderMap) {
    let foreign: Vec<_> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            PROXY_HEADERS.contains(&name)
                || PROXY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .cloned()
        .collect();
    for name in foreign {
        headers.remove(name);
    }
}
