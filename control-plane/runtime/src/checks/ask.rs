//! One question to one Envoy: what does `GET /version` of this cluster give?

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cubegate_api::Issuer;
use cubegate_store::CheckAnswer;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout};

use super::said::Expected;
use super::{Listener, Said};

/// How long an Envoy may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How long it may take to answer. It gives a server 5 s for a connection, and tries twice.
const ANSWER: Duration = Duration::from_secs(7);

/// Every worker of an Envoy reads a new cluster for itself.
const LEARN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Envoy sends its log once a second.
const LOG: Duration = Duration::from_secs(3);

/// The token is for this one question.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// Envoy's word for an answer that is not its own.
const VIA_UPSTREAM: &str = "via_upstream";

/// How Envoy begins to say that a server gave no answer; the reason stands in braces.
const NO_ANSWER: [&str; 2] = [
    "upstream_reset_before_response_started",
    "upstream_reset_after_response_started",
];

/// Envoy may quote at length.
const MAX_REASON_CHARS: usize = 300;

/// A question.
pub(super) struct Question {
    pub(super) listener: Listener,
    pub(super) issuer: Arc<Issuer>,
    pub(super) said: Said,
    pub(super) cluster: String,
    /// Where the Envoy serves.
    pub(super) address: SocketAddr,
}

// === impl Question ===

impl Question {
    /// Asks until there is an answer, or none is to be expected.
    pub(super) async fn ask(self) -> CheckAnswer {
        let patient_until = Instant::now() + LEARN;
        loop {
            let Expected { agent, details } = self.said.expect();
            let status = match self.status(&agent).await {
                Ok(Some(status)) => status,
                Ok(None) => {
                    return CheckAnswer::Fails(format!("no answer within {} s", ANSWER.as_secs()));
                }
                Err(error) => {
                    let error = crate::output::sentence(&error);
                    return CheckAnswer::NotAsked(format!("{}: {error}", self.address));
                }
            };
            if status == StatusCode::OK {
                return CheckAnswer::Answers;
            }
            if status == StatusCode::NOT_FOUND && Instant::now() < patient_until {
                sleep(PAUSE).await;
                continue;
            }
            let details = match timeout(LOG, details).await {
                Ok(Ok(details)) => Some(details),
                Ok(Err(_)) | Err(_) => None,
            };
            return judge(status, details.as_deref());
        }
    }

    /// Returns the status; `None` if there is none in time.
    async fn status(&self, agent: &str) -> anyhow::Result<Option<StatusCode>> {
        let now = OffsetDateTime::now_utc();
        let token = self
            .issuer
            .issue_for_check(&self.cluster, TOKEN_LIFETIME, now)?
            .token;
        let connection = timeout(CONNECT, self.listener.client.connect(self.address))
            .await
            .context("it does not accept a connection in time")??;
        let request = Request::get(format!("/clusters/{}/version", self.cluster))
            .header(header::HOST, "localhost")
            .header(header::USER_AGENT, agent)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        match timeout(ANSWER, connection.send(request)).await {
            Ok(answer) => answer.map(|(status, _)| Some(status)),
            Err(_) => Ok(None),
        }
    }
}

/// Returns what an answer other than 200 says, with Envoy's own words for it if they are known.
fn judge(status: StatusCode, details: Option<&str>) -> CheckAnswer {
    if details == Some(VIA_UPSTREAM) {
        return match status {
            // It knows the gateway, which may not act as just anybody; what it may is found
            // out elsewhere.
            StatusCode::FORBIDDEN => CheckAnswer::Answers,
            StatusCode::UNAUTHORIZED => {
                CheckAnswer::Fails("it does not accept the credential (401)".to_owned())
            }
            status => CheckAnswer::Fails(format!("it answers {status}")),
        };
    }
    if let Some(reason) = details.and_then(reason_of) {
        return CheckAnswer::Fails(reason);
    }
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            CheckAnswer::Fails(format!("the gateway answers {status}"))
        }
        status => CheckAnswer::NotAsked(match details {
            Some(details) => format!("the gateway answers {status} ({})", shortened(details)),
            None => format!("the gateway answers {status}"),
        }),
    }
}

/// Returns why there is no answer: `connect_timeout` of
/// `upstream_reset_before_response_started{connect_timeout}`.
fn reason_of(details: &str) -> Option<String> {
    let rest = NO_ANSWER.iter().find_map(|how| details.strip_prefix(how))?;
    let reason = rest.trim_matches(['{', '}']);
    // Blanks do not stand in Envoy's words.
    let reason = reason.replace('_', " ").replace('|', ", ");
    Some(match reason.trim() {
        "" => "the connection breaks off".to_owned(),
        reason => shortened(reason),
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_who_gave_it() {
        let fails = |reason: &str| CheckAnswer::Fails(reason.to_owned());
        let reset = "upstream_reset_before_response_started";
        let tls =
            format!("{reset}{{remote_connection_failure|TLS_error:CERTIFICATE_VERIFY_FAILED}}");
        for (status, details, expected) in [
            (403, Some("via_upstream"), CheckAnswer::Answers),
            (
                401,
                Some("via_upstream"),
                fails("it does not accept the credential (401)"),
            ),
            (
                500,
                Some("via_upstream"),
                fails("it answers 500 Internal Server Error"),
            ),
            (
                502,
                Some(tls.as_str()),
                fails("remote connection failure, TLS error:CERTIFICATE VERIFY FAILED"),
            ),
            (502, Some(reset), fails("the connection breaks off")),
            (502, None, fails("the gateway answers 502 Bad Gateway")),
            (
                504,
                Some("response_timeout"),
                fails("the gateway answers 504 Gateway Timeout"),
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(judge(status, details), expected, "{status} {details:?}");
        }
        for (status, details) in [
            (401, Some("cubegate")),
            (403, None),
            (404, Some("cubegate")),
            (503, Some("overload")),
            (429, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let judged = judge(status, details);
            assert!(matches!(judged, CheckAnswer::NotAsked(_)), "{judged:?}");
        }
    }
}
