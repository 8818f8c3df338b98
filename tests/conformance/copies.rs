//! A large `kubectl cp`, on both ways in turns.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::Run;
use cubegate_tests::conformance::Copied;
use tokio::process::Command;

use crate::cells::Bench;
use crate::clients::Client;
use crate::sides::Side;

const BYTES: u64 = 1 << 30;

const ROUNDS: usize = 3;

/// Measures them with the oldest kubectl and the newest one.
pub(crate) async fn measure(bench: &Bench, clients: &[Client]) -> Result<Vec<Copied>> {
    let mut kubectl = clients.iter().filter(|client| client.is_kubectl());
    let (Some(oldest), Some(newest)) = (kubectl.next(), kubectl.next_back()) else {
        return Ok(Vec::new());
    };
    let namespace = bench.kube().namespace("copies").await?;
    let pod = bench.node.run(&namespace, "web").await?;
    let dir = Run::current()?.folder("copies")?;
    let file = dir.join("large");
    crate::say(&format!("copies of {} MiB", BYTES >> 20))?;
    make(&file).await?;
    let digest = digest_of(&file).await?;
    let mut copies = Vec::new();
    for client in [oldest, newest] {
        for (what, is_into) in [("into a pod", true), ("out of a pod", false)] {
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                for (side, times) in bench.sides.iter().zip(&mut times) {
                    let (here, there) = (dir.join("back"), pod.join("copy"));
                    let local = if is_into { &file } else { &here };
                    let (local, remote) =
                        (local.display().to_string(), format!("{namespace}/web:copy"));
                    let arguments = if is_into {
                        [&local, &remote]
                    } else {
                        [&remote, &local]
                    };
                    let began = Instant::now();
                    copy(client, side, &dir, arguments).await?;
                    times.push(began.elapsed().as_secs_f64());
                    let copied = if is_into { there } else { here };
                    ensure!(digest_of(&copied).await? == digest, "{what}: other bytes");
                }
            }
            crate::say(&format!("{what:24} {:20} {times:.1?}", client.name))?;
            let [direct, through] = times.map(median);
            copies.push(Copied {
                what: what.to_owned(),
                client: client.name.clone(),
                bytes: BYTES,
                direct,
                through,
            });
        }
    }
    Ok(copies)
}

async fn copy(client: &Client, side: &Side, home: &Path, arguments: [&String; 2]) -> Result<()> {
    let output = Command::new(client.program())
        .arg("--kubeconfig")
        .arg(&side.kubeconfig)
        .arg("cp")
        .args(arguments)
        .env("HOME", home)
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(output.status.success(), "kubectl cp: {output:?}");
    Ok(())
}

/// Bytes that nothing on the way can make fewer.
async fn make(file: &Path) -> Result<()> {
    let script = format!("head -c {BYTES} /dev/urandom >\"$1\"");
    let made = Command::new("bash")
        .args(["-c", &script, "make"])
        .arg(file)
        .status()
        .await?;
    ensure!(made.success(), "no file of {BYTES} bytes: {made}");
    Ok(())
}

/// By a program: a build for development takes minutes for it.
async fn digest_of(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output().await?;
    ensure!(output.status.success(), "sha256sum: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace()
        .next()
        .map(str::to_owned)
        .context("no digest")
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
