//! A thousand clusters, a third of which accept connections and say nothing.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cubegate_tests::tls_upstream::{KeyKind, Settings, Shown, TlsUpstream};
use cubegate_tests::{Client, Gateway, Options, Site, block_on, kubeconfig, until};
use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::kube;

const CLUSTERS: usize = 1_000;

/// How long a development build may take to read them all, beside other tests and on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Every request that waits for nobody takes less. One that waits for a connection to a silent server
/// takes these 5 s, and twice.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Until a new one is there. Where the silent ones held up others, it would wait for minutes.
const LATE: Duration = Duration::from_secs(60);

/// Whether the server of this cluster says nothing.
fn is_silent(number: usize) -> bool {
    number.is_multiple_of(3)
}

fn name(number: usize) -> String {
    format!("fleet-{number:04}")
}

/// Holds every connection and answers none.
async fn silent() -> Result<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    Ok((port, server))
}

/// Asks each of these clusters for its version, eight at a time, and says what the slowest took.
async fn slowest(client: &Client, clusters: &[usize], status: u16) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    for some in clusters.chunks(8) {
        let answers = some.iter().map(async |number| {
            let began = Instant::now();
            let path = kube(&name(*number), "/version");
            let answer = client.get(&path).send().await?;
            ensure!(answer.status == status, "{number}: {}", answer.describe());
            Ok(began.elapsed())
        });
        for took in join_all(answers).await {
            slowest = slowest.max(took?);
        }
    }
    Ok(slowest)
}

async fn until_answered(client: &Client, cluster: &str) -> Result<()> {
    let path = kube(cluster, "/version");
    until(cluster, PATIENCE, || async {
        let answer = client.get(&path).send().await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}

#[test]
fn a_third_that_hangs_holds_nobody_else_up() -> Result<()> {
    block_on(async {
        let upstream = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        let good = upstream.document("127.0.0.1", &Shown::Token).to_string();
        let (port, _silent) = silent().await?;
        let hanging = kubeconfig::document(&format!("https://127.0.0.1:{port}"), None).to_string();

        let site = Site::new("fleet")?;
        let folder = site.dir().join("clusters");
        fs::create_dir(&folder)?;
        for number in 0..CLUSTERS {
            let text = if is_silent(number) { &hanging } else { &good };
            fs::write(folder.join(format!("{}.yaml", name(number))), text)?;
        }
        let options = Options {
            flags: vec![format!("--clusters-dir={}", folder.display())],
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        // The last of them in the order of names, so all are there.
        until_answered(&admin, &name(CLUSTERS - 2)).await?;

        let (silent, others): (Vec<usize>, Vec<usize>) =
            (0..CLUSTERS).partition(|number| is_silent(*number));
        let silent: Vec<usize> = silent.into_iter().take(40).collect();
        // Somebody asks for those that hang, again and again, and waits.
        let stubborn = silent.iter().map(async |number| {
            let path = kube(&name(*number), "/version");
            until("it is known to hang", PATIENCE, || async {
                // It is told in the shape of an API server's own answer, at once from then on.
                let answer = admin.get(&path).send().await.ok();
                Ok(answer.filter(|answer| answer.status == 503).map(drop))
            })
            .await
        });
        let (asked, of_others) = tokio::join!(join_all(stubborn), slowest(&admin, &others, 200));
        for asked in asked {
            asked?;
        }
        let of_others = of_others?;
        ensure!(of_others < AT_ONCE, "one of the others took {of_others:?}");
        let refused = slowest(&admin, &silent, 503).await?;
        ensure!(refused < AT_ONCE, "a refusal took {refused:?}");

        // What changes is in force meanwhile, too.
        fs::write(folder.join("late.yaml"), &good)?;
        let began = Instant::now();
        until_answered(&admin, "late").await?;
        let took = began.elapsed();
        ensure!(took < LATE, "it was there after {took:?}");
        gateway.health().check().await?;
        gateway.stop().await
    })
}
