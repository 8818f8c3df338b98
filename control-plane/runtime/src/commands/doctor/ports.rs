//! Whether the control plane listens, and what it says of itself.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Bytes;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::report::Report;
use crate::args::ListenArgs;
use crate::data_dir::DataDir;
use crate::listener::{ListenerClient, Proof};

/// How long a port of this machine may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `up` notes (`endpoints.json`).
#[derive(Deserialize)]
struct Noted {
    control_plane: String,
    xds: String,
    gateway: String,
}

/// Says whether a control plane runs on this directory.
pub(super) async fn check(report: &mut Report, folder: &DataDir, listen: &ListenArgs) -> bool {
    const CHECK: &str = "ports";
    let is_running = folder.is_locked();
    let noted = std::fs::read(folder.join("endpoints.json"))
        .ok()
        .and_then(|json| serde_json::from_slice::<Noted>(&json).ok());
    let address = |url: &str| {
        url.rsplit('/')
            .next()
            .and_then(|address| address.parse().ok())
    };
    let (mut api, mut xds, mut gateway) = (listen.api_listen, listen.xds_listen, None);
    if let Some(noted) = noted {
        api = address(&noted.control_plane).unwrap_or(api);
        xds = address(&noted.xds).unwrap_or(xds);
        gateway = address(&noted.gateway);
    }
    if !is_running {
        report.warn(
            CHECK,
            format!(
                "no control plane runs on {}; what only a running one can say is left out",
                folder.path().display()
            ),
        );
    }
    let ports = [
        ("HTTP API", Some(api)),
        ("xDS", Some(xds)),
        ("gateway", gateway),
    ];
    for (name, address) in ports {
        let Some(address) = address else { continue };
        let answers = timeout(PATIENCE, TcpStream::connect(address)).await;
        let answers = matches!(answers, Ok(Ok(_)));
        match (is_running, answers) {
            (true, true) => report.ok(CHECK, format!("the {name} listens at {address}")),
            (true, false) => report.fail(
                CHECK,
                format!("a control plane runs, but nobody listens at {address} for the {name}; give the flags that it was started with, or look into its log"),
            ),
            (false, true) => report.fail(
                CHECK,
                format!("another program listens at {address}, where the {name} would; end it, or choose another address"),
            ),
            (false, false) => match TcpListener::bind(address).await {
                Ok(_) => report.ok(CHECK, format!("{address} is free for the {name}")),
                Err(error) => report.fail(
                    CHECK,
                    format!("{address} cannot be listened at for the {name}: {error}; choose another address"),
                ),
            },
        }
    }
    if is_running {
        readiness(report, api).await;
    }
    is_running
}

/// What the API's `/readyz` says: the database, and how large what Envoys are told is.
async fn readiness(report: &mut Report, api: SocketAddr) {
    let answer = async {
        let client = ListenerClient::new(Proof::Any, false)?;
        let request = Request::get("/readyz?verbose")
            .header(header::HOST, "localhost")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        let (status, body) = client.connect(api).await?.send(request).await?;
        Ok::<_, anyhow::Error>((status, String::from_utf8_lossy(&body).into_owned()))
    };
    let answer = timeout(PATIENCE, answer).await;
    judge_readiness(report, api, answer.ok());
}

/// Tells what such an answer means; there is none where it did not come in time.
pub(super) fn judge_readiness(
    report: &mut Report,
    api: SocketAddr,
    answer: Option<anyhow::Result<(StatusCode, String)>>,
) {
    const CHECK: &str = "documents";
    match answer {
        Some(Ok((status, body))) if status.is_success() => {
            let sizes = body.lines().filter_map(|line| line.strip_prefix("[+]"));
            let sizes: Vec<_> = sizes.filter(|line| line.contains(" bytes")).collect();
            report.ok(
                CHECK,
                format!("what Envoys are told fits: {}", sizes.join(", ")),
            );
        }
        Some(Ok((status, body))) => report.fail(
            CHECK,
            format!("the control plane is not ready ({status}): {}", body.trim()),
        ),
        Some(Err(error)) => report.fail(
            CHECK,
            format!(
                "the HTTP API at {api} does not answer: {}",
                crate::output::sentence(&error)
            ),
        ),
        None => report.fail(
            CHECK,
            format!("the HTTP API at {api} does not answer in time"),
        ),
    }
}
