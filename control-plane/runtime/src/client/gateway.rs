//! What is asked of the gateway, over HTTPS.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cubegate_api_types::cube::{OwnClusters, TokenAnswer, WhoAmI};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::timeout;

use super::GatewayUrl;
use crate::https;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Longest answer, in bytes: a kubeconfig has a token of 700 for each cluster.
const MAX_ANSWER: usize = 64 << 20;

/// Longest words of the gateway that are shown.
const MAX_WORDS: usize = 300;

/// RFC 8693 2.1 and 3.
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Asks one gateway.
pub(crate) struct GatewayClient {
    url: GatewayUrl,
    client: https::Client,
}

/// A refusal of the gateway, in its words.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(super) status: StatusCode,
    words: String,
}

/// What `/oauth/token` answers.
#[derive(Deserialize)]
pub(super) struct OauthTokens {
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) refresh_token: Option<String>,
}

/// A refusal as KubeCube's paths say it, or OAuth's.
#[derive(Default, Deserialize)]
struct Words {
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_description: String,
}

// === impl GatewayClient ===

impl GatewayClient {
    /// Trusts the certificates in this file, or failing that in this text, or else the system's.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub(crate) fn new(
        url: GatewayUrl,
        ca_file: Option<&Path>,
        ca_pem: Option<&[u8]>,
    ) -> anyhow::Result<Self> {
        let file = ca_file
            .map(|file| {
                std::fs::read(file)
                    .with_context(|| format!("the CA {} cannot be read", file.display()))
            })
            .transpose()?;
        let client = https::client(file.as_deref().or(ca_pem), "the CA of the gateway")?;
        Ok(Self { url, client })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &GatewayUrl {
        &self.url
    }

    /// A token by an access key.
    pub(super) async fn by_key(
        &self,
        access_key: &str,
        secret_key: &str,
    ) -> anyhow::Result<Result<String, Refused>> {
        let body = json!({ "accessKey": access_key, "secretKey": secret_key });
        let body = (body.to_string(), "application/json");
        let path = "/api/v1/cube/key/token";
        let answer = self.ask(Method::POST, path, None, Some(body)).await?;
        answer
            .map(|body| read(&body).map(|TokenAnswer { token }| token))
            .transpose_ok()
    }

    /// Other tokens by a refresh token, which is spent then.
    pub(super) async fn by_refresh_token(
        &self,
        token: &str,
    ) -> anyhow::Result<Result<OauthTokens, Refused>> {
        self.oauth(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// A token for one cluster, by one for more.
    pub(super) async fn exchange(
        &self,
        token: &str,
        cluster: &str,
    ) -> anyhow::Result<Result<OauthTokens, Refused>> {
        self.oauth(&[
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("audience", cluster),
        ])
        .await
    }

    async fn oauth(&self, form: &[(&str, &str)]) -> anyhow::Result<Result<OauthTokens, Refused>> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let body = (body.finish(), "application/x-www-form-urlencoded");
        let answer = self
            .ask(Method::POST, "/oauth/token", None, Some(body))
            .await?;
        answer.map(|body| read(&body)).transpose_ok()
    }

    /// Whose a token is; a refusal when it is nobody's any more.
    pub(crate) async fn whoami(&self, token: &str) -> anyhow::Result<Result<WhoAmI, Refused>> {
        let path = "/api/v1/cube/whoami";
        let answer = self.ask(Method::GET, path, Some(token), None).await?;
        answer.map(|body| read(&body)).transpose_ok()
    }

    /// Which clusters a token is good for.
    pub(crate) async fn clusters(&self, token: &str) -> anyhow::Result<OwnClusters> {
        let path = "/api/v1/cube/whoami/clusters";
        let answer = self.ask(Method::GET, path, Some(token), None).await?;
        read(&answer.map_err(|refused| anyhow!("the gateway lists no clusters: {refused}"))?)
    }

    /// A kubeconfig with tokens in it, made again under this session if one is named.
    pub(crate) async fn kubeconfig(
        &self,
        token: &str,
        session: Option<&str>,
    ) -> anyhow::Result<Vec<u8>> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(session.map(|session| ("session", session)));
        let path = format!("/api/v1/cube/user/kubeconfigs?{}", query.finish());
        let answer = self.ask(Method::GET, &path, Some(token), None).await?;
        let text: String = read(
            &answer.map_err(|refused| anyhow!("the gateway gives no kubeconfig: {refused}"))?,
        )?;
        super::source::from_base64(&text).context("the gateway's answer cannot be read")
    }

    /// The body of a good answer, or the refusal.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<(String, &'static str)>,
    ) -> anyhow::Result<Result<Bytes, Refused>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("cubegate/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((_, kind)) = &body {
            request = request.header(CONTENT_TYPE, *kind);
        }
        let text = body.map_or_else(String::new, |(text, _)| text);
        let request = request.body(Full::from(text))?;
        let work = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|error| anyhow!("{error}"))?.to_bytes();
            anyhow::Ok((status, body))
        };
        let unreachable = || format!("the gateway {} cannot be reached", self.url);
        let (status, body) = timeout(TIMEOUT, work)
            .await
            .map_err(|_| anyhow!("it does not answer within {} s", TIMEOUT.as_secs()))
            .and_then(|answer| answer)
            .with_context(unreachable)?;
        Ok(match status {
            StatusCode::OK => Ok(body),
            status => Err(Refused::new(status, &body)),
        })
    }
}

/// `Result<anyhow::Result<T>, E>` turned inside out.
trait TransposeOk<T, E> {
    fn transpose_ok(self) -> anyhow::Result<Result<T, E>>;
}

impl<T, E> TransposeOk<T, E> for Result<anyhow::Result<T>, E> {
    fn transpose_ok(self) -> anyhow::Result<Result<T, E>> {
        match self {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) => Err(error),
            Err(refused) => Ok(Err(refused)),
        }
    }
}

// What serde would say of it may repeat a token.
fn read<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body)
        .ok()
        .context("the gateway's answer cannot be read; is --gateway the URL of a Cubegate?")
}

// === impl Refused ===

impl Refused {
    fn new(status: StatusCode, body: &[u8]) -> Self {
        let words: Words = serde_json::from_slice(body).unwrap_or_default();
        let words = match words.message.is_empty() {
            true => words.error_description,
            false => words.message,
        };
        // They are printed on a terminal.
        let words = words.chars().filter(|c| !c.is_control());
        Self {
            status,
            words: words.take(MAX_WORDS).collect(),
        }
    }

    /// Whether another try in a moment may end better.
    pub(super) fn is_for_now(&self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.as_str() {
            "" => write!(f, "{}", self.status),
            words => write!(f, "{words} ({})", self.status.as_u16()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_gateways_words_without_control_characters() {
        let say = |status, body: &str| Refused::new(status, body.as_bytes()).to_string();
        assert_eq!(
            say(
                StatusCode::BAD_REQUEST,
                r#"{"code":400,"message":"key not exist."}"#
            ),
            "key not exist. (400)"
        );
        assert_eq!(
            say(
                StatusCode::BAD_REQUEST,
                r#"{"error":"x","error_description":"a\u001b[2Jb"}"#
            ),
            "a[2Jb (400)"
        );
        assert_eq!(say(StatusCode::BAD_GATEWAY, "<html>"), "502 Bad Gateway");
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(5_000));
        assert!(say(StatusCode::BAD_REQUEST, &long).len() < 400);
    }
}
