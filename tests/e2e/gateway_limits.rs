//! How much one caller may ask, and who is told that it was too much.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::KeyPair;
use cubegate_tests::client::Answer;
use cubegate_tests::faults::{Scripted, Step, head, list, whole};
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};

use crate::support::{cube, kube};

const NODE: &str = "/api/v1/nodes/n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with one worker and these limits, before one upstream: what its paths say
/// stays open, and all else is a list.
async fn start(name: &str, flags: &[&str]) -> Result<(Gateway, Scripted)> {
    let upstream = Scripted::answering(|request| {
        if request.contains("watch=true") {
            vec![head(&["Transfer-Encoding: chunked"]), Step::Stall]
        } else {
            whole(&list(&["a", "b"]))
        }
    })
    .await?;
    let site = Site::new(name)?;
    site.add_plain_cluster("only", upstream.port()).await?;
    let options = Options {
        plain: true,
        flags: flags
            .iter()
            .copied()
            .chain(["--envoy-concurrency", "1"])
            .map(str::to_owned)
            .collect(),
        ..Options::default()
    };
    Ok((Gateway::start(site, &options).await?, upstream))
}

/// Sends so many, and says how many were admitted; the others were refused as they
/// should be.
async fn admitted(client: &Client, path: &str, requests: usize) -> Result<usize> {
    let answers = (0..requests).map(|_| client.get(path).send());
    let answers = futures::future::try_join_all(answers).await?;
    let (good, refused): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    for answer in &refused {
        refused_well(answer, path)?;
    }
    Ok(good.len())
}

fn refused_well(answer: &Answer, path: &str) -> Result<()> {
    let after = answer.header("retry-after").context("no Retry-After")?;
    let after: u64 = after.parse()?;
    ensure!((1..=120).contains(&after), "{}", answer.describe());
    if path.starts_with("/clusters") {
        answer.kube_error(429)?;
        let status = answer.json()?;
        ensure!(status["reason"] == "TooManyRequests", "{status}");
        ensure!(status["details"]["retryAfterSeconds"] == after, "{status}");
    } else {
        answer.cube_error(429)?;
    }
    Ok(())
}

#[test]
fn a_user_who_asks_too_fast_is_told_when_to_come_back_and_others_are_served() -> Result<()> {
    block_on(async {
        let flags = ["--requests-per-user", "5", "--request-burst", "2"];
        let (gateway, _upstream) = start("rate", &flags).await?;
        let (jeff, ann) = (
            gateway.user("jeff", &[]).await?,
            gateway.user("ann", &[]).await?,
        );
        for path in [cube("only", NODE), kube("only", NODE)] {
            let path = path.as_str();
            let passed = admitted(&jeff, path, 60).await?;
            // Ten at once, and five for each second that it took.
            ensure!((8..40).contains(&passed), "{passed} of 60 on {path}");
            ann.get(path).send().await?.expect(200)?;
            // After the time that was told it is admitted.
            until("one is admitted again", PATIENCE, || async {
                let answer = jeff.get(path).send().await?;
                Ok((answer.status == 200).then_some(()))
            })
            .await?;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn what_stays_open_counts_until_its_client_ends_it() -> Result<()> {
    block_on(async {
        let (gateway, _upstream) = start("concurrent", &["--concurrent-per-user", "3"]).await?;
        let jeff = gateway.user("jeff", &[]).await?;
        let watch = kube("only", "/api/v1/nodes?watch=true");
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(jeff.get(&watch).open().await?);
        }
        let answer = jeff.get(&kube("only", NODE)).send().await?;
        refused_well(&answer, "/clusters")?;
        drop(open);
        until("the closed watches do not count", PATIENCE, || async {
            let answer = jeff.get(&kube("only", NODE)).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn a_key_has_the_limits_that_it_was_given() -> Result<()> {
    block_on(async {
        let flags = [
            "--requests-per-user",
            "4",
            "--requests-per-key",
            "2",
            "--request-burst",
            "1",
        ];
        let (gateway, _upstream) = start("key-limits", &flags).await?;
        let site = gateway.site();
        site.add_user("jeff", "a good Passw0rd").await?;
        let path = kube("only", NODE);
        let client =
            async |key: &KeyPair| gateway.client().with_bearer(&gateway.exchange(key).await?);

        let plain = site.create_key("jeff").await?;
        ensure!(admitted(&client(&plain).await?, &path, 40).await? < 30);

        let flags = [
            "--requests-per-second",
            "500",
            "--concurrent-requests",
            "100",
        ];
        let robot = site.create_key_with("jeff", &flags).await?;
        let with_old = client(&robot).await?;
        ensure!(admitted(&with_old, &path, 60).await? == 60);
        let listed = site.ok(&["key", "list"]).await?;
        ensure!(listed.contains("*, 500/s, 100 at once"), "{listed}");

        // Another limit takes back the tokens that carry the old one.
        let update = [
            "key",
            "update",
            &robot.access_key,
            "--requests-per-second",
            "1",
        ];
        site.ok(&update).await?;
        until("the old token is refused", PATIENCE, || async {
            let answer = with_old.get(&path).send().await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
        ensure!(admitted(&client(&robot).await?, &path, 40).await? < 20);
        site.ok(&["key", "update", &robot.access_key, "--no-limits"])
            .await?;
        let listed = site.ok(&["key", "list"]).await?;
        ensure!(!listed.contains("at once"), "{listed}");
        gateway.health().check().await?;
        gateway.stop().await
    })
}
