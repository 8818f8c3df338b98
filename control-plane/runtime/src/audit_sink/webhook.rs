//! JSON lines by HTTP POST.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cubegate_store::Unsent;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use tokio::time::timeout;

use super::{Failure, Sink};
use crate::https;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends records as JSON lines.
pub(crate) struct Webhook {
    client: https::Client,
    url: Uri,
    header: Option<(HeaderName, HeaderValue)>,
}

// === impl Webhook ===

impl Webhook {
    /// `header` is `Name: value`; `ca` is a file with the certificates to trust in the
    /// place of the system's.
    ///
    /// # Errors
    /// What cannot be used. Neither URL nor header is repeated: both may hold a secret.
    pub(crate) fn new(url: &str, header: Option<&str>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let url: Uri = url
            .parse()
            .ok()
            .filter(|url: &Uri| {
                matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
            })
            .context("--audit-webhook must be an http or https URL, as https://audit.example/in")?;
        let header = header
            .map(|header| {
                let (name, value) = header.split_once(':')?;
                let mut value: HeaderValue = value.trim().parse().ok()?;
                value.set_sensitive(true);
                Some((name.trim().parse().ok()?, value))
            })
            .map(|header| {
                header.context(
                    "--audit-webhook-header must be a header, as 'Authorization: Bearer …'",
                )
            })
            .transpose()?;
        let called = ca.map_or_else(String::new, |ca| format!("the CA {}", ca.display()));
        let pem = ca.map(std::fs::read).transpose();
        let pem = pem.with_context(|| format!("{called} cannot be read"))?;
        let client = https::client(pem.as_deref(), &called)?;
        Ok(Self {
            client,
            url,
            header,
        })
    }

    async fn post(&self, records: &[Unsent]) -> anyhow::Result<StatusCode> {
        let mut lines = Vec::new();
        for record in records {
            lines.extend_from_slice(record.record.as_bytes());
            lines.push(b'\n');
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/jsonl")
            .header(USER_AGENT, concat!("cubegate/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(lines))?;
        if let Some((name, value)) = &self.header {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let answer = timeout(TIMEOUT, self.client.request(request))
            .await
            .map_err(|_| anyhow!("no answer within {} s", TIMEOUT.as_secs()))??;
        Ok(answer.status())
    }
}

impl Sink for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn send(&mut self, records: &[Unsent]) -> Result<(), Failure> {
        match self.post(records).await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(
                status @ (StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY),
            ) => Err(Failure::Refused(anyhow!("the webhook answers {status}"))),
            Ok(status) => Err(Failure::Away(anyhow!("the webhook answers {status}"))),
            Err(error) => Err(Failure::Away(error)),
        }
    }
}
