//! What is opened into a pod.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{say, variable};

fn both() -> AttachParams {
    AttachParams::default()
        .stdin(true)
        .stdout(true)
        .stderr(false)
}

pub(crate) async fn exec(pods: &Api<Pod>) -> Result<()> {
    let mut process = pods
        .exec("web", ["sh", "-c", "read x; echo got $x; exit 3"], &both())
        .await?;
    let mut stdin = process.stdin().context("no stdin")?;
    let mut stdout = process.stdout().context("no stdout")?;
    let status = process.take_status().context("no status")?;
    stdin.write_all(b"something\n").await?;
    let mut text = String::new();
    stdout.read_to_string(&mut text).await?;
    let status = status.await.context("no status came")?;
    say((
        text,
        status.reason,
        status.details.and_then(|details| details.causes),
    ))
}

pub(crate) async fn attach(pods: &Api<Pod>) -> Result<()> {
    let mut process = pods.attach("web", &both()).await?;
    let mut stdin = process.stdin().context("no stdin")?;
    let mut stdout = process.stdout().context("no stdout")?;
    stdin.write_all(b"to the process\n").await?;
    let mut back = [0; 15];
    stdout.read_exact(&mut back).await?;
    say(String::from_utf8_lossy(&back))
}

pub(crate) async fn forward(pods: &Api<Pod>) -> Result<()> {
    let port = variable("PORT")?.parse()?;
    let mut forwarder = pods.portforward("web", &[port]).await?;
    let mut stream = forwarder.take_stream(port).context("no stream")?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await?;
    let mut text = Vec::new();
    let mut part = [0; 4096];
    while !text.ends_with(b"an application") {
        let read = stream.read(&mut part).await?;
        ensure!(read > 0, "it ended: {text:?}");
        text.extend_from_slice(&part[..read]);
    }
    say(String::from_utf8_lossy(&text))
}

/// The crate has no copy; this is how its users make one.
pub(crate) async fn copy(pods: &Api<Pod>) -> Result<()> {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let script = format!("head -c {} >copy; echo taken", bytes.len());
    let mut process = pods.exec("web", ["sh", "-c", &script], &both()).await?;
    let mut stdin = process.stdin().context("no stdin")?;
    let mut stdout = process.stdout().context("no stdout")?;
    stdin.write_all(&bytes).await?;
    stdin.flush().await?;
    let mut text = String::new();
    stdout.read_to_string(&mut text).await?;
    let only_out = AttachParams::default().stdout(true).stderr(false);
    let mut process = pods.exec("web", ["cat", "copy"], &only_out).await?;
    let mut back = Vec::new();
    process
        .stdout()
        .context("no stdout")?
        .read_to_end(&mut back)
        .await?;
    say((text, back == bytes))
}
