//! The control plane dies, Envoy dies, both are stopped.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::cube;

const PAGE: &str = "/api/v1/configmaps?pageSize=2&sortOrder=desc";
const PATIENCE: Duration = Duration::from_secs(15);

/// A gateway of the test's own with one cluster, `first`.
async fn start(name: &str) -> Result<(Gateway, Scripted)> {
    let upstream = Scripted::start(whole(&list(&["a", "b", "c"]))).await?;
    let site = Site::new(name)?;
    site.add_plain_cluster("first", upstream.port()).await?;
    let gateway = Gateway::start(
        site,
        &Options {
            plain: true,
            ..Options::default()
        },
    )
    .await?;
    Ok((gateway, upstream))
}

async fn serves(client: &Client, cluster: &str) -> Result<()> {
    let answer = client.get(&cube(cluster, PAGE)).send().await?.expect(200)?;
    ensure!(answer.names()? == ["c", "b"], "{}", answer.describe());
    Ok(())
}

#[test]
fn a_killed_control_plane_loses_nothing_and_envoy_serves_on_and_is_updated_again() -> Result<()> {
    block_on(async {
        let (gateway, upstream) = start("killed").await?;
        let user = format!("user-{}", unique());
        let client = gateway.user(&user, &[]).await?;
        let key = gateway.site().create_key(&user).await?;
        // Added while it runs, killed as soon as that is known to be done.
        gateway
            .site()
            .add_plain_cluster("second", upstream.port())
            .await?;
        gateway.wait_for_cluster(&client, "second").await?;
        let token = key.token_path();
        client.get(&token).send().await?.expect(200)?;

        gateway.kill_control_plane().await?;
        for _ in 0..50 {
            serves(&client, "first").await?;
            serves(&client, "second").await?;
        }
        // What only the control plane can do fails, and says so.
        let answer = client.get(&token).send().await?;
        ensure!(matches!(answer.status, 502 | 503), "{}", answer.describe());
        answer.cube_error(answer.status)?;
        // The commands work without it.
        let keys = gateway.site().ok(&["key", "list"]).await?;
        ensure!(keys.contains(&key.access_key), "{keys}");
        gateway
            .site()
            .add_plain_cluster("third", upstream.port())
            .await?;
        let clusters = gateway.site().ok(&["cluster", "list"]).await?;
        for name in ["first", "second", "third"] {
            ensure!(clusters.contains(name), "{clusters}");
        }

        let endpoints = gateway.restart_control_plane().await?;
        ensure!(
            endpoints.gateway == gateway.endpoints().gateway,
            "clients find it where it was"
        );
        // The same Envoy, and no worker had to start again.
        gateway.health().check().await?;
        gateway.wait_for_cluster(&client, "third").await?;
        serves(&client, "third").await?;
        gateway
            .site()
            .add_plain_cluster("fourth", upstream.port())
            .await?;
        gateway.wait_for_cluster(&client, "fourth").await?;
        serves(&client, "fourth").await?;
        let made = client.get(&token).send().await?.expect(200)?.json()?;
        let made = made["token"].as_str().context("a token")?;
        serves(&gateway.client().with_bearer(made)?, "first").await?;

        gateway.health().check().await?;
        gateway.stop().await?;
        ensure!(
            !gateway.health().is_alive(),
            "an adopted Envoy stops with the gateway"
        );
        Ok(())
    })
}

#[test]
fn requests_flow_while_the_control_plane_is_killed_and_comes_back() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("flowing").await?;
        let client = gateway.admin().await?;
        let flowing = client.clone();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let traffic = tokio::spawn(async move {
            let mut answered = 0_usize;
            while !*stopped.borrow() {
                serves(&flowing, "first").await?;
                answered += 1;
            }
            Ok::<_, anyhow::Error>(answered)
        });
        for _ in 0..2 {
            gateway.kill_control_plane().await?;
            gateway.restart_control_plane().await?;
        }
        serves(&client, "first").await?;
        // It has ended already when a request failed.
        let _ = stop.send(true);
        let answered = traffic.await??;
        ensure!(answered > 0, "nothing was asked meanwhile");
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn stopping_the_gateway_stops_its_envoy_and_frees_the_port() -> Result<()> {
    block_on(async {
        let (gateway, upstream) = start("stopped").await?;
        serves(&gateway.admin().await?, "first").await?;
        let asked = Instant::now();
        gateway.stop().await?;
        let took = asked.elapsed();
        ensure!(
            took < Duration::from_secs(4),
            "nothing is in flight, and yet stopping took {took:?}"
        );
        ensure!(!gateway.health().is_alive(), "Envoy is gone");
        let refused = gateway.client().get("/").send().await;
        ensure!(refused.is_err(), "the port is free");
        // What was there is there again.
        gateway.restart_control_plane().await?;
        serves(&gateway.admin().await?, "first").await?;
        drop(upstream);
        gateway.stop().await
    })
}

/// Kills the Envoy that serves, and says how long nobody was served after that.
async fn kill_envoy(gateway: &Gateway, client: &Client) -> Result<Duration> {
    let file = gateway.site().data_dir().join("envoy/envoy.pid");
    let pid: i32 = std::fs::read_to_string(&file)?.trim().parse()?;
    kill_process(Pid::from_raw(pid).context("a process id")?, Signal::KILL)?;
    let killed = Instant::now();
    until("the gateway answers again", PATIENCE, || async {
        // Connections are refused meanwhile; nothing else is answered.
        match client.get(&cube("first", PAGE)).send().await {
            Err(_) => Ok(None),
            Ok(answer) => {
                ensure!(answer.status == 200, "{}", answer.describe());
                Ok(Some(()))
            }
        }
    })
    .await?;
    let took = killed.elapsed();
    let other: i32 = std::fs::read_to_string(&file)?.trim().parse()?;
    ensure!(other != pid, "it is another Envoy");
    Ok(took)
}

#[test]
fn an_envoy_that_dies_is_started_again() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("envoy-died").await?;
        let client = gateway.admin().await?;
        serves(&client, "first").await?;
        kill_envoy(&gateway, &client).await?;
        ensure!(!gateway.health().is_alive(), "it is another Envoy");
        gateway.stop().await
    })
}

#[test]
fn one_that_stands_by_takes_over_at_once_and_again() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a", "b", "c"]))).await?;
        let site = Site::new("envoy-standby")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let options = Options {
            plain: true,
            standby: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let client = gateway.admin().await?;
        let folder = gateway.site().data_dir().join("envoy");
        let endpoints_file = gateway.site().data_dir().join("endpoints.json");
        let stands_by = || async {
            // It compiles the filter before its admin page answers, some seconds on a
            // machine that has nothing else to do.
            until("another one stands by", Duration::from_secs(90), || async {
                if !folder.join("standby.pid").exists() {
                    return Ok(None);
                }
                let endpoints: Value = serde_json::from_slice(&std::fs::read(&endpoints_file)?)?;
                let serving = endpoints["envoy_admin"].as_str().context("no admin page")?;
                let pages = endpoints["envoy_admins"].as_array().context("no pages")?;
                let other = pages
                    .iter()
                    .filter_map(|page| Some(format!("http://{}", page.as_str()?)))
                    .find(|page| page != serving)
                    .context("one page only")?;
                let answer = Client::plain(&other)?.get("/ready").send().await;
                Ok(answer.is_ok().then_some(()))
            })
            .await?;
            serves(&client, "first").await
        };
        for _ in 0..2 {
            stands_by().await?;
            let took = kill_envoy(&gateway, &client).await?;
            ensure!(
                took < Duration::from_millis(2_500),
                "nobody was served for {took:?}"
            );
        }
        // What is new reaches the one that took over, and it alone serves.
        gateway
            .site()
            .add_plain_cluster("second", upstream.port())
            .await?;
        gateway.wait_for_cluster(&client, "second").await?;
        serves(&client, "second").await?;

        // The control plane is killed: the next one adopts the Envoy that serves, and ends
        // the one that stood by.
        stands_by().await?;
        let standby = std::fs::read_to_string(folder.join("standby.pid"))?;
        let serving = std::fs::read_to_string(folder.join("envoy.pid"))?;
        gateway.kill_control_plane().await?;
        let endpoints = gateway.restart_control_plane().await?;
        ensure!(std::fs::read_to_string(folder.join("envoy.pid"))? == serving);
        ensure!(has_ended(&standby), "it stands by for nobody");
        let admin = Client::plain(&endpoints.envoy_admin)?;
        admin.get("/ready").send().await?.expect(200)?;
        serves(&client, "second").await?;
        gateway.stop().await?;
        for pid in [serving, standby] {
            ensure!(has_ended(&pid), "{pid} is left");
        }
        ensure!(!folder.join("standby.pid").exists());
        Ok(())
    })
}

/// Whether no such process runs. One whose parent was killed may lie there until
/// somebody has asked how it ended.
fn has_ended(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/status", pid.trim()))
        .map_or(true, |status| status.contains("State:\tZ"))
}
