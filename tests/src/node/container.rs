//! What runs in a container: a process of this machine, in a folder of its own.

use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;

use super::connection::Sender;

/// Bytes that are sent at once.
const PIECE: usize = 32 << 10;

/// What a client has of a process.
pub(super) struct Streams {
    /// What it reads.
    pub(super) stdin: Option<mpsc::Receiver<Vec<u8>>>,
    /// What it writes.
    pub(super) stdout: Option<Sender>,
    /// What it says beside that.
    pub(super) stderr: Option<Sender>,
    /// How it ended.
    pub(super) error: Sender,
}

/// How long a process goes on whose client is gone: it has the end of its input to read.
const ALONE: Duration = Duration::from_secs(3);

/// Runs a command for a client, which learns how it ended. A client that goes away ends it, soon.
pub(super) async fn run(mut command: Command, streams: Streams) -> Result<()> {
    let gone = streams.error.clone();
    let mut work = pin!(to_its_end(&mut command, streams));
    tokio::select! {
        ended = &mut work => ended,
        () = gone.closed() => tokio::time::timeout(ALONE, work).await?,
    }
}

async fn to_its_end(command: &mut Command, streams: Streams) -> Result<()> {
    let Streams {
        stdin,
        stdout,
        stderr,
        error,
    } = streams;
    let child = command
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let status = match child {
        Err(reason) => failure(&format!("command cannot be started: {reason}"), None),
        Ok(mut child) => {
            if let (Some(from), Some(to)) = (stdin, child.stdin.take()) {
                tokio::spawn(feed(from, to));
            }
            let out = drain(child.stdout.take(), stdout.clone());
            let err = drain(child.stderr.take(), stderr.clone());
            let (out, err, status) = tokio::join!(out, err, child.wait());
            out.and(err)?;
            status_of(status?)
        }
    };
    for sender in [&stdout, &stderr].into_iter().flatten() {
        sender.finish().await;
    }
    error.send(status.to_string().into_bytes()).await?;
    error.finish().await;
    error.close().await;
    Ok(())
}

/// What a client sends, until it sends no more: then the process reads the end of its input.
async fn feed(mut from: mpsc::Receiver<Vec<u8>>, mut to: ChildStdin) {
    while let Some(bytes) = from.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// What a process writes, to whoever wants it.
async fn drain(from: Option<impl AsyncRead + Unpin>, to: Option<Sender>) -> Result<()> {
    let mut from = from.context("no pipe")?;
    loop {
        let mut piece = vec![0; PIECE];
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        piece.truncate(read);
        if let Some(to) = &to {
            to.send(piece).await?;
        }
    }
}

/// As a kubelet tells it (`v4.channel.k8s.io`).
fn status_of(status: ExitStatus) -> Value {
    if status.success() {
        return json!({ "metadata": {}, "status": "Success" });
    }
    // As shells count signals.
    let code = status.code().unwrap_or(128 + 9);
    let message = format!("command terminated with non-zero exit code: exit status {code}");
    failure(&message, Some(code))
}

fn failure(message: &str, code: Option<i32>) -> Value {
    match code {
        Some(code) => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": message,
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
        }),
        None => json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "message": message,
        }),
    }
}

/// Connects a client with a port of this machine. What is wrong is told it on the error stream.
pub(super) async fn forward(
    port: u16,
    mut from: mpsc::Receiver<Vec<u8>>,
    to: &Sender,
    error: Option<&Sender>,
) -> Result<()> {
    match TcpStream::connect(("127.0.0.1", port)).await {
        Err(reason) => {
            let message = format!("error forwarding port {port} to the pod: {reason}");
            if let Some(error) = error {
                error.send(message.into_bytes()).await?;
            }
        }
        Ok(stream) => {
            let (reader, mut writer) = stream.into_split();
            let there = tokio::spawn(async move {
                while let Some(bytes) = from.recv().await {
                    if writer.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            });
            // An application that resets its connection ends it, too.
            let _ = drain(Some(reader), Some(to.clone())).await;
            there.abort();
        }
    }
    to.finish().await;
    if let Some(error) = error {
        error.finish().await;
    }
    Ok(())
}
