//! What a page asks, as the user of its browser: of the HTTP API in process, and of member
//! clusters through the gateway.

mod gateway;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use cubegate_api::Peer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use crate::Console;

pub(crate) use self::gateway::{Answer, Call, Reply};

/// Longest answer that a page is made of, in bytes.
const MAX_ANSWER: usize = 16 << 20;

/// What of a browser's request goes on: who it is, where it comes from, and which page made
/// it. The HTTP API looks at all of these itself.
const CARRIED: [HeaderName; 9] = [
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::USER_AGENT,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-envoy-external-address"),
    HeaderName::from_static("x-request-id"),
];

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// For whose browser a cluster is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The user.
    pub user: String,
    /// The browser's address.
    pub address: IpAddr,
}

/// Why no member cluster could be asked.
#[derive(Debug)]
pub struct GatewayError(pub String);

/// Asks as the browser's user; clones ask for the same page.
#[derive(Clone)]
pub(crate) struct Ask {
    console: Console,
    carried: HeaderMap,
    peer: Option<Peer>,
    /// Who is logged in; empty until it is known.
    user: String,
    /// Cookies that answers have set: they are the browser's.
    cookies: Arc<Mutex<Vec<HeaderValue>>>,
}

/// An answer that is not what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its sentence.
    pub(crate) message: String,
}

// === impl Ask ===

impl Ask {
    fn new(console: Console, request: &Request) -> Self {
        let mut carried = HeaderMap::new();
        for name in CARRIED {
            for value in request.headers().get_all(&name) {
                carried.append(&name, value.clone());
            }
        }
        let peer = request.extensions().get::<ConnectInfo<Peer>>();
        Self {
            console,
            carried,
            peer: peer.map(|ConnectInfo(peer)| peer.clone()),
            user: String::new(),
            cookies: Arc::default(),
        }
    }

    /// From now on it is known whose browser it is.
    pub(crate) fn for_user(mut self, name: &str) -> Self {
        name.clone_into(&mut self.user);
        self
    }

    /// Returns what the pages are made of.
    pub(crate) fn console(&self) -> &Console {
        &self.console
    }

    /// Reads something of the HTTP API.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        read(self.api(Method::GET, path, None).await?)
    }

    /// Sends something to the HTTP API.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        let body = serde_json::to_vec(body).map_err(|error| Refusal::ours(&error))?;
        read(self.api(method, path, Some(body)).await?)
    }

    /// The same for what is done once however often its form is sent: `once` is the form's
    /// own. The second time is refused as a conflict.
    pub(crate) async fn send_once<T: DeserializeOwned>(
        mut self,
        path: &str,
        once: &str,
        body: &impl Serialize,
    ) -> Result<T, Refusal> {
        if !once.is_empty() {
            let once = HeaderValue::from_str(once).map_err(|error| Refusal::ours(&error))?;
            self.carried.insert(IDEMPOTENCY_KEY, once);
        }
        self.send(Method::POST, path, body).await
    }

    /// The same of which nothing is to be known but that it was done.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<(), Refusal> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.api(method, path, body).await.map(|_| ())
    }

    /// Asks the HTTP API for what is handed on as it comes.
    pub(crate) async fn stream(&self, path: &str) -> Result<Response, Refusal> {
        let response = self.call_api(Method::GET, path, None).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = to_bytes(response.into_body(), MAX_ANSWER).await;
        Err(Refusal::of(status, &body.unwrap_or_default()))
    }

    async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Refusal> {
        let response = self.call_api(method, path, body).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), MAX_ANSWER)
            .await
            .map_err(|error| Refusal::ours(&error))?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(Refusal::of(status, &body))
        }
    }

    async fn call_api(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response, Refusal> {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .map_err(|error| Refusal::ours(&error))?;
        request.headers_mut().extend(self.carried.clone());
        self.put_peer(&mut request);
        let api = self.console.api.clone();
        let mut response = match api.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let header::Entry::Occupied(set) = response.headers_mut().entry(header::SET_COOKIE) {
            let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            cookies.extend(set.remove_entry_mult().1);
        }
        Ok(response)
    }

    fn put_peer(&self, request: &mut Request) {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(ConnectInfo(peer.clone()));
        }
    }
}

/// Makes an [`Ask`] of each request, and gives the browser the cookies that were set on the
/// way.
pub(crate) async fn hand_on(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Response {
    let ask = Ask::new(console, &request);
    let cookies = Arc::clone(&ask.cookies);
    request.extensions_mut().insert(ask);
    let mut response = next.run(request).await;
    let cookies = std::mem::take(&mut *cookies.lock().unwrap_or_else(PoisonError::into_inner));
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn read<T: DeserializeOwned>(body: Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(&body).map_err(|error| Refusal::ours(&error))
}

// === impl Refusal ===

impl Refusal {
    /// Reads the three shapes in which the gateway refuses: KubeCube's and Kubernetes' have
    /// a `message`, and KubeSphere's is text.
    fn of(status: StatusCode, body: &[u8]) -> Self {
        let message = match serde_json::from_slice::<Message>(body) {
            Ok(Message { message }) => message,
            Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
        };
        Self { status, message }
    }

    fn ours(error: &impl fmt::Display) -> Self {
        tracing::error!(%error, "a page of the console could not be made");
        Self {
            status: StatusCode::BAD_GATEWAY,
            message: "An answer could not be read.".to_owned(),
        }
    }

    /// Returns whether nobody is logged in any more.
    pub(crate) fn is_logged_out(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }
}

/// What KubeCube's refusal and Kubernetes' `Status` have in common.
#[derive(serde::Deserialize)]
struct Message {
    message: String,
}

// === impl GatewayError ===

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GatewayError {}
