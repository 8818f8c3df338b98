//! The upstream that the vectors describe in `environment.kubecube.upstream`, or another
//! that answers what a test says. It remembers what it saw, but for what the gateway
//! asks of its own accord.

mod answers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The bodies by path, each as it stands in the vectors' file.
pub type Bodies = BTreeMap<String, Box<RawValue>>;

/// What the gateway says to be when it reads which resources there are.
const DISCOVERY: &str = "cubegate-discovery/";

/// An answer with its whole body.
pub type Response = http::Response<Full<Bytes>>;

/// What is answered, and the body before it was compressed.
type Answer = dyn Fn(&Seen) -> Result<(Response, Bytes)> + Send + Sync;

/// A running upstream. It ends with the value.
pub struct Fixture {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: JoinHandle<()>,
}

/// One request as it arrived, and the body that was given for it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path as it stood in the request line.
    pub path: String,
    /// The query, without its `?`.
    pub query: Option<String>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The body of the answer, before it was compressed.
    pub answered: Bytes,
}

// === impl Fixture ===

impl Fixture {
    /// Starts it on a free port of loopback.
    ///
    /// # Errors
    /// No free port.
    pub async fn start(bodies: Bodies) -> Result<Self> {
        Self::answering(move |request| answers::answer(request, &bodies)).await
    }

    /// Starts one that answers this.
    ///
    /// # Errors
    /// No free port.
    pub async fn answering(
        answer: impl Fn(&Seen) -> Result<(Response, Bytes)> + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = tokio::spawn(serve(listener, Arc::new(answer), Arc::clone(&seen)));
        Ok(Self {
            address,
            seen,
            server,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it saw since the last time that somebody asked.
    ///
    /// # Errors
    /// Never.
    pub fn take_seen(&self) -> Result<Vec<Seen>> {
        let mut seen = self
            .seen
            .lock()
            .map_err(|_| anyhow!("the fixture's memory is broken"))?;
        Ok(std::mem::take(&mut *seen))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.server.abort();
    }
}

// === impl Seen ===

impl Seen {
    /// The values of a header, in order; `name` in any case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

async fn serve(listener: TcpListener, answer: Arc<Answer>, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        let service = service_fn(move |request| {
            let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
            async move { take(request, &*answer, &seen).await }
        });
        tokio::spawn(async move {
            // A client that goes away is no fault of the upstream's.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn take(
    request: http::Request<Incoming>,
    answer: &Answer,
    seen: &Mutex<Vec<Seen>>,
) -> Result<Response> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut request = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        answered: Bytes::new(),
    };
    let (response, plain) = answer(&request)?;
    request.answered = plain;
    let of_its_own = request
        .headers("user-agent")
        .any(|agent| agent.starts_with(DISCOVERY));
    if !of_its_own {
        seen.lock()
            .map_err(|_| anyhow!("the fixture's memory is broken"))?
            .push(request);
    }
    Ok(response)
}
