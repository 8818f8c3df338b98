//! The tests' HTTP client. It changes nothing on the way: paths are sent as
//! they are given, header values may hold any bytes, answers are not decoded.
//! What no client library lets through (odd bytes in header names) goes by
//! [`raw`](crate::raw).

mod answer;
mod logins;
mod stream;

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub use answer::Answer;
pub use stream::Stream;

use crate::tls::{self, Identity};

/// Longer than this without an end is a hang, and a hang is a failure.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A client of one server. It keeps connections open, as good clients do.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, UnsyncBoxBody<Bytes, Infallible>>,
    base: String,
    headers: HeaderMap,
}

/// A request that is being put together.
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    late: Duration,
    patience: Duration,
    problem: Option<anyhow::Error>,
}

// === impl Client ===

impl Client {
    /// A client of `base` (`http://host:port`).
    ///
    /// # Errors
    /// Never for a client without TLS settings of its own.
    pub fn plain(base: &str) -> Result<Self> {
        Self::new(base, &[], None, true, None)
    }

    /// A client of `base` (`https://host:port`) that trusts this CA and speaks
    /// HTTP/2 when the server does.
    ///
    /// # Errors
    /// PEM that cannot be read.
    pub fn tls(base: &str, ca: &[u8], identity: Option<&Identity>) -> Result<Self> {
        Self::new(base, ca, identity, true, None)
    }

    /// The same, speaking HTTP/1.1 alone.
    ///
    /// # Errors
    /// PEM that cannot be read.
    pub fn tls_http1(base: &str, ca: &[u8]) -> Result<Self> {
        Self::new(base, ca, None, false, None)
    }

    /// A client without TLS that comes from this address of the machine. All of
    /// `127.0.0.0/8` is.
    ///
    /// # Errors
    /// Never for a client without TLS settings of its own.
    pub fn plain_from(base: &str, address: IpAddr) -> Result<Self> {
        Self::new(base, &[], None, false, Some(address))
    }

    fn new(
        base: &str,
        ca: &[u8],
        identity: Option<&Identity>,
        http2: bool,
        from: Option<IpAddr>,
    ) -> Result<Self> {
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(ca, identity)?)
            .https_or_http();
        let mut tcp = HttpConnector::new();
        // As curl and Go's clients: a body waits for no acknowledgement of the head.
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_local_address(from);
        let connector = if http2 {
            builder.enable_all_versions().wrap_connector(tcp)
        } else {
            builder.enable_http1().wrap_connector(tcp)
        };
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
        })
    }

    /// The same client, sending this token with every request.
    ///
    /// # Errors
    /// A token that is no header value.
    pub fn with_bearer(&self, token: &str) -> Result<Self> {
        let mut client = self.clone();
        let value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        client.headers.insert(http::header::AUTHORIZATION, value);
        Ok(client)
    }

    /// The server's URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request; `path` begins with `/` and may hold a query.
    pub fn request(&self, method: &Method, path: &str) -> Request<'_> {
        Request {
            client: self,
            method: method.clone(),
            path: path.to_owned(),
            headers: self.headers.clone(),
            body: Bytes::new(),
            late: Duration::ZERO,
            patience: PATIENCE,
            problem: None,
        }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request(&Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request(&Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Request<'_> {
        self.request(&Method::PUT, path)
    }

    /// A PATCH.
    pub fn patch(&self, path: &str) -> Request<'_> {
        self.request(&Method::PATCH, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request(&Method::DELETE, path)
    }
}

// === impl Request ===

impl Request<'_> {
    /// Adds a header; it may be there already.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(anyhow::Error::from)
            .and_then(|name| Ok((name, HeaderValue::from_bytes(value.as_ref())?)));
        match parsed {
            Ok((name, value)) => {
                self.headers.append(name, value);
            }
            Err(error) => self.problem = Some(error.context(format!("the header {name}"))),
        }
        self
    }

    /// Sends this token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.headers.remove(http::header::AUTHORIZATION);
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sends no credential.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.headers.remove(http::header::AUTHORIZATION);
        self
    }

    /// Sends these bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body so long after the headers.
    #[must_use]
    pub fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Waits this long for the whole answer instead of [`PATIENCE`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// No connection, an answer that breaks off, or none in time.
    pub async fn send(self) -> Result<Answer> {
        let patience = self.patience;
        let what = format!("{} {}", self.method, self.path);
        let exchange = async {
            let response = self.begin().await?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .context("the answer broke off")?
                .to_bytes();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(patience, exchange)
            .await
            .map_err(|_| anyhow!("no whole answer within {patience:?}: it hangs"))
            .and_then(|result: Result<Answer>| result)
            .context(what)
    }

    /// Sends it and gives the answer's body as it comes.
    ///
    /// # Errors
    /// No connection, or no response headers in time.
    pub async fn open(self) -> Result<Stream> {
        let patience = self.patience;
        let what = format!("{} {}", self.method, self.path);
        let response = tokio::time::timeout(patience, self.begin())
            .await
            .map_err(|_| anyhow!("no response headers within {patience:?}: it hangs"))
            .and_then(|result| result)
            .context(what)?;
        Ok(Stream::new(response))
    }

    async fn begin(self) -> Result<http::Response<Incoming>> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let uri: Uri = format!("{}{}", self.client.base, self.path)
            .parse()
            .context("this path takes the raw client")?;
        let body = if self.late.is_zero() {
            Full::new(self.body).boxed_unsync()
        } else {
            let chunk = async move {
                tokio::time::sleep(self.late).await;
                Ok(Frame::data(self.body))
            };
            StreamBody::new(futures::stream::once(chunk)).boxed_unsync()
        };
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(self.client.http.request(request).await?)
    }
}
