//! Asks the gateway's filter, through the listener that clients use, whether it lives.

use std::net::SocketAddr;
use std::time::Duration;

use cubegate_filter_config::FILTER_LIVENESS_PATH;
use cubegate_snapshot::NO_FILTER;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use tokio::time::timeout;

use crate::listener::{ListenerClient, Proof};

/// How long an answer may take. A worker that is busy is not dead.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The filter has answered.
    Alive,
    /// Envoy has answered, and not by its filter.
    Dead(String),
    /// Nothing has answered, or Envoy has said that it has too much to do.
    Silent(String),
}

/// Asks again and again; each time on a connection of its own, which any of Envoy's
/// workers may get.
pub(super) struct Probe {
    listen: SocketAddr,
    client: ListenerClient,
}

// === impl Probe ===

impl Probe {
    /// # Errors
    /// Never with the cryptography that this binary has.
    pub(super) fn new(listen: SocketAddr, tls: bool, proxy_protocol: bool) -> anyhow::Result<Self> {
        // Nothing secret is asked.
        let proof = if tls { Proof::Any } else { Proof::None };
        Ok(Self {
            listen,
            client: ListenerClient::new(proof, proxy_protocol)?,
        })
    }

    /// Asks once.
    pub(super) async fn ask(&self) -> Seen {
        match timeout(TIMEOUT, self.answer()).await {
            Ok(Ok((status, body))) => judge(status, &body),
            Ok(Err(error)) => Seen::Silent(format!("{error:#}")),
            Err(_) => Seen::Silent(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn answer(&self) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(FILTER_LIVENESS_PATH)
            .header(header::HOST, "localhost")
            .header(header::USER_AGENT, "cubegate-up")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        self.client.connect(self.listen).await?.send(request).await
    }
}

/// Returns what an answer says about the filter.
fn judge(status: StatusCode, body: &[u8]) -> Seen {
    let says_so = String::from_utf8_lossy(body).contains(NO_FILTER);
    match status {
        StatusCode::OK => Seen::Alive,
        // Envoy sheds load, or the filter waits for its configuration.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS if !says_so => {
            Seen::Silent(format!("it answers {status}"))
        }
        status => Seen::Dead(format!("it answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_envoy_that_answers_without_its_filter_is_dead() {
        let told = format!("{{\"code\":503,\"message\":\"{NO_FILTER}\"}}");
        for (status, body, dead) in [
            (200, "ok", None),
            (503, told.as_str(), Some(true)),
            (503, "overloaded", Some(false)),
            (429, "", Some(false)),
            (404, "", Some(true)),
            (502, "", Some(true)),
        ] {
            let seen = judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            let found = match seen {
                Seen::Alive => None,
                Seen::Dead(_) => Some(true),
                Seen::Silent(_) => Some(false),
            };
            assert_eq!(found, dead, "{status} {body}");
        }
    }
}
