//! Which of a client's protocols a kubelet takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha1::{Digest as _, Sha1};

/// What WebSocket's servers add to a client's key (RFC 6455, 1.3).
const SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const SPDY_PROTOCOLS: &str = "x-stream-protocol-version";

/// A handshake that is taken.
pub(super) struct Taken {
    /// SPDY/3.1, and else WebSocket.
    pub(super) is_spdy: bool,
    /// The headers of its answer.
    pub(super) headers: HeaderMap,
}

/// For `exec` and `attach`: version 4 of the protocol, which tells exit codes. A kubelet knows
/// no fifth one over WebSocket: an API server that does translates it.
pub(super) fn of_commands(headers: &HeaderMap) -> Option<Taken> {
    take(headers, "v4.channel.k8s.io", "v4.channel.k8s.io")
}

/// For `port-forward`.
pub(super) fn of_ports(headers: &HeaderMap) -> Option<Taken> {
    take(headers, "portforward.k8s.io", "v4.channel.k8s.io")
}

fn take(headers: &HeaderMap, spdy: &'static str, websocket: &'static str) -> Option<Taken> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    let is_spdy = upgrade.eq_ignore_ascii_case("SPDY/3.1");
    let (name, protocol) = if is_spdy {
        (HeaderName::from_static(SPDY_PROTOCOLS), spdy)
    } else {
        (header::SEC_WEBSOCKET_PROTOCOL, websocket)
    };
    let offered = headers.get_all(&name).iter();
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|values| values.split(','));
    offered.find(|each| each.trim() == protocol)?;
    let mut answer = HeaderMap::new();
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(header::UPGRADE, headers.get(header::UPGRADE)?.clone());
    answer.insert(name, HeaderValue::from_static(protocol));
    if !is_spdy {
        let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
        let hash = Sha1::new().chain_update(key).chain_update(SALT).finalize();
        let accept = HeaderValue::from_str(&STANDARD.encode(hash)).ok()?;
        answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Some(Taken {
        is_spdy,
        headers: answer,
    })
}
