//! The upstream that the vectors describe in `environment.kubecube.upstream`.
//! It answers what they say and remembers what it saw.

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
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = tokio::spawn(serve(listener, Arc::new(bodies), Arc::clone(&seen)));
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

async fn serve(listener: TcpListener, bodies: Arc<Bodies>, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (bodies, seen) = (Arc::clone(&bodies), Arc::clone(&seen));
        let service = service_fn(move |request| {
            let (bodies, seen) = (Arc::clone(&bodies), Arc::clone(&seen));
            async move { answer(request, &bodies, &seen).await }
        });
        tokio::spawn(async move {
            // A client that goes away is no fault of the upstream's.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    bodies: &Bodies,
    seen: &Mutex<Vec<Seen>>,
) -> Result<http::Response<Full<Bytes>>> {
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
    let (response, plain) = answers::answer(&request, bodies)?;
    request.answered = plain;
    seen.lock()
        .map_err(|_| anyhow!("the fixture's memory is broken"))?
        .push(request);
    Ok(response)
}
