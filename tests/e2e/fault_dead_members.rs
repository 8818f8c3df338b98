//! Members that are dead: whoever asks for one is told so at once, and is served as soon as it is
//! back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::client::Answer;
use cubegate_tests::gateway::free_port;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Site, block_on, kubeconfig, until};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::{Playground, cube, in_the_world, kube};

/// Longest time until it is known that a member is dead: it is found out by a request, which may
/// wait for a connection twice, and then by a look.
const KNOWN: Duration = Duration::from_secs(30);

/// Longest time until one that is back is served.
const BACK: Duration = Duration::from_secs(5);

/// What answers at once does not wait for a connection, which takes 5 s in vain.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A server that may go and come back at its port.
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    /// Answers every request with this object.
    async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(Self(tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Connection: close\r\nContent-Length: 2\r\n\r\n{}";
                if stream.read(&mut head).await.is_ok() {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            }
        })))
    }

    /// Accepts every connection and says nothing.
    async fn silent(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(Self(tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        })))
    }
}

/// Asks until the gateway says that the member is down.
async fn until_down(client: &Client, path: &str) -> Result<Answer> {
    until("the member is known to be down", KNOWN, || async {
        // Before it is known a request may wait for two connections.
        let answer = client.get(path).send().await.ok();
        Ok(answer.filter(|answer| answer.status == 503))
    })
    .await
}

/// It is refused so often, and without waiting.
async fn ensure_refused(client: &Client, path: &str, times: u32) -> Result<()> {
    for _ in 0..times {
        let began = Instant::now();
        let answer = client.get(path).send().await?;
        ensure!(answer.status == 503, "{}", answer.describe());
        let took = began.elapsed();
        ensure!(took < AT_ONCE, "answered after {took:?}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[test]
fn a_dead_member_is_told_at_once_in_each_form_and_served_when_it_is_back() -> Result<()> {
    block_on(async {
        // What one worker has found out another has yet to, and a client may change between them.
        let site = Site::new("dead-member")?;
        let playground = Playground::of(site, true, &["--envoy-concurrency=1"]).await?;
        let client = playground.client()?;
        let port = free_port()?;
        let server = Server::start(port).await?;
        let cluster = playground.cluster(port).await?;
        let pods = "/api/v1/namespaces/a/pods/p";
        client
            .get(&kube(&cluster, pods))
            .send()
            .await?
            .expect(200)?;
        drop(server);

        let answer = until_down(&client, &kube(&cluster, pods)).await?;
        ensure!(
            answer.header("retry-after").as_deref() == Some("2"),
            "{}",
            answer.describe()
        );
        let status = answer.json()?;
        ensure!(status["kind"] == json!("Status"), "{status}");
        ensure!(status["reason"] == json!("ServiceUnavailable"), "{status}");
        ensure!(
            status["details"]["retryAfterSeconds"] == json!(2),
            "{status}"
        );
        let message = status["message"].as_str().context("no message")?;
        ensure!(message.contains(&cluster), "{message}");
        let answer = client.get(&cube(&cluster, pods)).send().await?;
        ensure!(answer.cube_error(502)? == "server error.");
        ensure!(answer.header("retry-after").as_deref() == Some("2"));
        // Longer than from one look to the next.
        ensure_refused(&client, &kube(&cluster, pods), 40).await?;
        // Who may not ask is not told whether it is there.
        let nobody = playground.gateway.client();
        let answer = nobody.get(&cube(&cluster, pods)).send().await?;
        ensure!(answer.status == 401, "{}", answer.describe());

        let _server = Server::start(port).await?;
        until("it is served again", BACK, || async {
            let answer = client.get(&kube(&cluster, pods)).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        for _ in 0..40 {
            let answer = client.get(&kube(&cluster, pods)).send().await?;
            ensure!(answer.status == 200, "{}", answer.describe());
        }
        playground.gateway.health().check().await?;
        playground.gateway.stop().await
    })
}

#[test]
fn one_that_accepts_connections_and_says_nothing_holds_nobody() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let port = free_port()?;
        let _server = Server::silent(port).await?;
        let name = format!("silent-{}", unique());
        let site = world.gateway.site();
        let url = format!("https://127.0.0.1:{port}");
        let ca = String::from_utf8(
            kubeconfig::Kubeconfig::read(&world.stack.member.gateway_kubeconfig)?.ca,
        )?;
        let file = kubeconfig::write(site.dir(), &name, &url, Some(&ca))?;
        site.add_cluster(&name, &file, false).await?;
        let path = kube(&name, "/version");
        until_down(&admin, &path).await?;
        ensure_refused(&admin, &path, 30).await?;
        let other = admin.get(&kube("member-1", "/version")).send().await?;
        other.expect(200)?;
        site.ok(&["cluster", "remove", &name]).await.map(drop)
    })
}

#[test]
fn what_the_control_plane_cannot_reach_is_down_for_the_first_who_asks() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let name = format!("unasked-{}", unique());
        let site = world.gateway.site();
        site.add_plain_cluster(&name, free_port()?).await?;
        // Two looks of the control plane, one of each worker.
        sleep(Duration::from_secs(12)).await;
        let answer = admin.get(&kube(&name, "/version")).send().await?;
        ensure!(answer.status == 503, "{}", answer.describe());
        ensure!(answer.text().contains("does not answer the gateway"));
        site.ok(&["cluster", "remove", &name]).await.map(drop)
    })
}
