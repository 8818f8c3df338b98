//! What goes wrong in the first half: parts are killed, clusters come and go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::Life;
use crate::tally::Part;

/// How long everything is let alone between two disturbances.
const REST: Duration = Duration::from_secs(8);

/// A killed part that is not back by then does not come back.
const BACK: Duration = Duration::from_secs(60);

/// Disturbs until this moment; then everything is there again.
pub(crate) async fn until(life: &Arc<Life>, end: Instant) -> Result<()> {
    for round in 0_usize.. {
        life.pause(REST).await;
        if Instant::now() >= end {
            break;
        }
        match round % 3 {
            0 => control_plane(life).await?,
            1 => envoy(life).await?,
            _ => cluster(life, round).await?,
        }
    }
    Ok(())
}

async fn control_plane(life: &Life) -> Result<()> {
    life.tally.gone(Part::ControlPlane);
    life.gateway.kill_control_plane().await?;
    life.gateway.restart_control_plane().await?;
    answers(life, "/api/v1/cube/user/valid/admin").await?;
    life.tally.back(Part::ControlPlane);
    Ok(())
}

async fn envoy(life: &Life) -> Result<()> {
    let file = life.gateway.site().data_dir().join("envoy/envoy.pid");
    let pid: i32 = std::fs::read_to_string(file)?.trim().parse()?;
    life.tally.gone(Part::Envoy);
    kill_process(Pid::from_raw(pid).context("no process")?, Signal::KILL)?;
    answers(life, "/clusters/member-1/version").await?;
    life.tally.back(Part::Envoy);
    Ok(())
}

/// A cluster comes, answers, and goes.
async fn cluster(life: &Life, round: usize) -> Result<()> {
    let name = format!("churned-{round}");
    let site = life.gateway.site();
    let server = &life.stack.pivot;
    site.add_cluster(&name, &server.gateway_kubeconfig, true)
        .await?;
    let admin = life.gateway.admin().await?;
    life.gateway.wait_for_cluster(&admin, &name).await?;
    let path = format!("/clusters/{name}/api/v1/namespaces");
    admin.get(&path).send().await?.expect(200)?;
    site.ok(&["cluster", "remove", &name]).await.map(drop)
}

/// Waits until this is answered to the administrator.
async fn answers(life: &Life, path: &str) -> Result<()> {
    let admin = life.gateway.admin().await?;
    cubegate_tests::until(path, BACK, || async {
        let answer = admin.get(path).send().await;
        Ok(answer
            .is_ok_and(|answer| answer.status == 200)
            .then_some(()))
    })
    .await
}
