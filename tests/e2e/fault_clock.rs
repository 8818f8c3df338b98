//! The machine's clock jumps: by an hour, and back, for the control plane, its commands and Envoy.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::clock::Clock;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};

use crate::support::{cube, kube};

const PODS: &str = "/api/v1/namespaces/a/pods";

/// Longest time until a change is in force.
const PATIENCE: Duration = Duration::from_secs(30);

/// The jump, in seconds.
const HOUR: i64 = 3_600;

async fn until_status(client: &Client, path: &str, status: u16) -> Result<()> {
    until(&format!("{path} is {status}"), PATIENCE, || async {
        let answer = client.get(path).send().await?;
        Ok((answer.status == status).then_some(()))
    })
    .await
}

/// Whether all goes on: logins, tokens, what is added, and what is taken back.
async fn works(gateway: &Gateway, upstream: &Scripted, when: &str) -> Result<()> {
    let site = gateway.site();
    let admin = gateway.admin().await?;
    for path in [cube("first", PODS), kube("first", PODS)] {
        let answer = admin.get(&path).send().await?;
        ensure!(answer.status == 200, "{when}: {}", answer.describe());
        let stale = answer.header("cubegate-stale");
        ensure!(stale.is_none(), "{when}: {}", answer.describe());
    }
    let cluster = format!("cluster-{when}");
    site.add_plain_cluster(&cluster, upstream.port()).await?;
    until_status(&admin, &cube(&cluster, PODS), 200).await?;

    let user = format!("user-{when}");
    let jane = gateway.user(&user, &[]).await?;
    until_status(&jane, &cube("first", PODS), 200).await?;
    // Of a key that is taken back, and of a user who is shut out.
    let key = site.create_key(&user).await?;
    let by_key = gateway
        .client()
        .with_bearer(&gateway.exchange(&key).await?)?;
    until_status(&by_key, &cube("first", PODS), 200).await?;
    site.ok(&["key", "delete", &key.access_key]).await?;
    until_status(&by_key, &cube("first", PODS), 401).await?;
    site.ok(&["user", "disable", &user]).await?;
    until_status(&jane, &cube("first", PODS), 401).await?;
    site.ok(&["user", "enable", &user]).await?;
    let again = gateway.new_token(&user).await?;
    let again = gateway.client().with_bearer(&again)?;
    until_status(&again, &cube("first", PODS), 200).await
}

#[test]
fn a_clock_that_jumps_an_hour_and_back_stops_nothing() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("clock")?;
        let clock = Clock::new(site.dir()).await?;
        let site = clock.of(site)?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        works(&gateway, &upstream, "before").await?;
        let shut_out = gateway.user("shut-out", &[]).await?;

        clock.set(HOUR)?;
        works(&gateway, &upstream, "ahead").await?;
        // What is taken back then stays so, whatever the clock says later.
        let site = gateway.site();
        site.ok(&["user", "disable", "shut-out"]).await?;
        until_status(&shut_out, &cube("first", PODS), 401).await?;

        clock.set(0)?;
        works(&gateway, &upstream, "back").await?;
        until_status(&shut_out, &cube("first", PODS), 401).await?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}
