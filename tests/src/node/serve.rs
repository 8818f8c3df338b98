//! The requests that API servers make to a kubelet.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::sync::mpsc;

use super::connection::{self, Opened, Protocol, Sender};
use super::container::{self, Streams};
use super::handshake;

/// A folder for each pod.
pub(super) type Pods = Arc<PathBuf>;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What a request is for.
struct Call {
    /// `exec`, `attach`, `portForward` or `containerLogs`.
    what: String,
    /// The pod's folder.
    folder: PathBuf,
    query: Vec<(String, String)>,
}

// === impl Call ===

impl Call {
    fn of(request: &Request<Incoming>, pods: &Pods) -> Option<Self> {
        let mut parts = request.uri().path().split('/').skip(1);
        let (what, namespace, pod) = (parts.next()?, parts.next()?, parts.next()?);
        let query = request.uri().query().unwrap_or_default().as_bytes();
        Some(Self {
            what: what.to_owned(),
            // Namespaces and pods are DNS labels, as an API server has checked.
            folder: pods.join(namespace).join(pod),
            query: form_urlencoded::parse(query).into_owned().collect(),
        })
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.query.iter().filter(move |(each, _)| each == name);
        named.map(|(_, value)| value.as_str())
    }

    fn is_set(&self, name: &str) -> bool {
        self.all(name).any(|value| value == "1" || value == "true")
    }

    /// The ports of a `portForward` over WebSocket.
    fn ports(&self) -> Vec<u16> {
        self.all("port")
            .flat_map(|ports| ports.split(','))
            .filter_map(|port| port.parse().ok())
            .collect()
    }

    /// The process that is asked for: a container's own is `cat`.
    fn command(&self) -> Option<Command> {
        let mut words: Vec<&str> = self.all("command").collect();
        if self.what == "attach" {
            words = vec!["cat"];
        }
        let (program, arguments) = words.split_first()?;
        Some(self.process(program, arguments))
    }

    fn process(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}

/// Answers a request.
pub(super) fn answer(
    mut request: Request<Incoming>,
    pods: &Pods,
) -> Result<Response<Body>, Infallible> {
    let Some(call) = Call::of(&request, pods) else {
        return Ok(plain(StatusCode::NOT_FOUND, ""));
    };
    if std::fs::create_dir_all(&call.folder).is_err() {
        return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "no folder"));
    }
    if call.what == "containerLogs" {
        return Ok(logs(&call).unwrap_or_else(|error| {
            plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error:#}"))
        }));
    }
    let is_forward = call.what == "portForward";
    let taken = match call.what.as_str() {
        "exec" | "attach" => handshake::of_commands(request.headers()),
        "portForward" => handshake::of_ports(request.headers()),
        _ => return Ok(plain(StatusCode::NOT_FOUND, "")),
    };
    let Some(taken) = taken else {
        // As a kubelet says to protocols that it does not know.
        return Ok(plain(StatusCode::FORBIDDEN, ""));
    };
    let protocol = match (taken.is_spdy, is_forward) {
        (true, _) => Protocol::Spdy,
        (false, false) => Protocol::WebSocket(5),
        (false, true) => {
            let ports = call.ports().len();
            Protocol::WebSocket(u8::try_from(ports * 2).unwrap_or(0))
        }
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let streams = connection::serve(upgraded.await?, protocol);
        match (is_forward, protocol) {
            (false, _) => run(&call, streams, protocol).await,
            (true, Protocol::Spdy) => forward(streams).await,
            (true, Protocol::WebSocket(_)) => forward_channels(&call, streams).await,
        }
    });
    let mut answer = plain(StatusCode::SWITCHING_PROTOCOLS, "");
    answer.headers_mut().extend(taken.headers);
    Ok(answer)
}

/// Runs what was asked for, when all of its streams are open.
async fn run(call: &Call, mut opened: mpsc::Receiver<Opened>, protocol: Protocol) -> Result<()> {
    let (input, output, error) = ("input", "output", "error");
    let wanted = match protocol {
        Protocol::WebSocket(channels) => usize::from(channels),
        Protocol::Spdy => {
            let named = [input, output, error, "tty"];
            1 + named.iter().filter(|name| call.is_set(name)).count()
        }
    };
    let mut streams: HashMap<String, Opened> = HashMap::new();
    while streams.len() < wanted {
        let stream = opened.recv().await.context("too few streams")?;
        let numbered = ["stdin", "stdout", "stderr", "error", "resize"];
        let kind = match stream.headers.get("streamtype") {
            Some(kind) => kind.clone(),
            None => (*numbered
                .get(usize::try_from(stream.id)?)
                .context("no such channel")?)
            .to_owned(),
        };
        streams.insert(kind, stream);
    }
    let error_stream = streams.remove("error").context("no error stream")?;
    let stdin = streams.remove("stdin").filter(|_| call.is_set(input));
    let stdout = streams.remove("stdout").filter(|_| call.is_set(output));
    let stderr = streams.remove("stderr").filter(|_| call.is_set(error));
    if let (Protocol::WebSocket(_), Some(stdout)) = (protocol, &stdout) {
        // A client learns from it that it is connected.
        stdout.sender.send(Vec::new()).await?;
    }
    let streams = Streams {
        stdin: stdin.map(|stream| stream.receiver),
        stdout: stdout.map(|stream| stream.sender),
        stderr: stderr.map(|stream| stream.sender),
        error: error_stream.sender,
    };
    let command = call.command().context("no command")?;
    container::run(command, streams).await
}

/// Each connection of a client is a pair of streams with one number.
async fn forward(mut opened: mpsc::Receiver<Opened>) -> Result<()> {
    let mut errors: HashMap<String, Sender> = HashMap::new();
    while let Some(stream) = opened.recv().await {
        let header = |name: &str| stream.headers.get(name).cloned().unwrap_or_default();
        let request = header("requestid");
        if header("streamtype") == "error" {
            errors.insert(request, stream.sender);
            continue;
        }
        let error = errors.remove(&request);
        let port = header("port").parse().context("no port")?;
        tokio::spawn(async move {
            container::forward(port, stream.receiver, &stream.sender, error.as_ref()).await
        });
    }
    Ok(())
}

/// Over WebSocket each port is two channels, and both tell it first.
async fn forward_channels(call: &Call, mut opened: mpsc::Receiver<Opened>) -> Result<()> {
    for port in call.ports() {
        let data = opened.recv().await.context("no channel")?;
        let error = opened.recv().await.context("no channel for errors")?;
        for sender in [&data.sender, &error.sender] {
            sender.send(port.to_le_bytes().to_vec()).await?;
        }
        tokio::spawn(async move {
            let error = &error.sender;
            let forwarded =
                container::forward(port, data.receiver, &data.sender, Some(error)).await;
            error.close().await;
            forwarded
        });
    }
    Ok(())
}

/// The file `log` of the pod's folder, and with `follow` what comes to it.
fn logs(call: &Call) -> Result<Response<Body>> {
    let path = call.folder.join("log");
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)?;
    let lines = match call.all("tailLines").next() {
        Some(lines) => format!("--lines={lines}"),
        None => "--lines=+1".to_owned(),
    };
    let mut arguments = vec![lines.as_str(), "log"];
    if call.is_set("follow") {
        arguments.insert(0, "--follow");
    }
    let mut child = call
        .process("tail", &arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let from = child.stdout.take().context("no pipe")?;
    let body = futures::stream::try_unfold((child, from), async |(child, mut from)| {
        let mut piece = vec![0; 8 << 10];
        let read = from.read(&mut piece).await?;
        piece.truncate(read);
        let next = (Frame::data(Bytes::from(piece)), (child, from));
        Ok((read > 0).then_some(next))
    });
    let mut answer = Response::new(StreamBody::new(body).boxed_unsync());
    let kind = header::HeaderValue::from_static("text/plain");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(answer)
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned()));
    let mut answer = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    answer
}
