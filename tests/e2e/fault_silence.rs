//! An Envoy that hears nothing of its control plane: it serves on, and says so or refuses.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::client::Answer;
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{cube, kube};

const PODS: &str = "/api/v1/namespaces/a/pods";

/// `cubegate-stale`, RFC 9110's names are of any case.
const HEADER: &str = "cubegate-stale";

/// Longest time until 5 s of silence are told, or until they are over.
const TOLD: Duration = Duration::from_secs(20);

/// Asks until the answer has the header, or has it not.
async fn until_stale(client: &Client, path: &str, is_stale: bool) -> Result<Answer> {
    until("the silence is told or over", TOLD, || async {
        let answer = client.get(path).send().await?;
        Ok((answer.header(HEADER).is_some() == is_stale).then_some(answer))
    })
    .await
}

fn age(answer: &Answer) -> Result<u64> {
    let told = answer.header(HEADER).context("no header")?;
    Ok(told.parse()?)
}

#[test]
fn an_envoy_whose_control_plane_is_silent_says_so_until_it_is_heard_again() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let mut serve = Serve::start(Site::new("silent")?, &["--stale-after", "5"]).await?;
        let site = serve.site();
        site.add_plain_cluster("first", upstream.port()).await?;
        site.add_user("jane", "correct-horse-battery").await?;
        let pair = site.create_key("jane").await?;
        let bootstrap = serve.bootstrap("silent", "silent", true).await?;
        let _envoy = serve.envoy("silent", &bootstrap).await?;
        let client = serve.listener()?;
        let token = until("the gateway gives tokens", TOLD, || async {
            let answer = client.get(&pair.token_path()).send().await.ok();
            let answer = answer.filter(|answer| answer.status == 200);
            answer.map(|answer| answer.json()).transpose()
        })
        .await?;
        let jane = client.with_bearer(token["token"].as_str().context("no token")?)?;
        let (page, object) = (cube("first", PODS), kube("first", PODS));
        until("Envoy has the cluster", TOLD, || async {
            let answer = jane.get(&page).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        // Some words later it has not become old.
        tokio::time::sleep(Duration::from_secs(8)).await;
        for path in [&page, &object] {
            let answer = jane.get(path).send().await?.expect(200)?;
            ensure!(answer.header(HEADER).is_none(), "{}", answer.describe());
        }

        // As if the network were cut: connections stay, and nothing comes.
        let pid = serve
            .pid()
            .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let pid = pid.context("no process")?;
        kill_process(pid, Signal::STOP)?;
        let stale = until_stale(&jane, &page, true).await;
        let later = jane.get(&object).send().await;
        let refused = client.get(&object).send().await;
        kill_process(pid, Signal::CONT)?;
        let (stale, later, refused) = (stale?, later?, refused?);
        ensure!(stale.status == 200, "{}", stale.describe());
        ensure!(age(&stale)? > 5 && age(&later)? >= age(&stale)?);
        ensure!(later.status == 200, "{}", later.describe());
        // Who is refused anyhow is told as well.
        ensure!(age(&refused)? > 5, "{}", refused.describe());
        let answer = until_stale(&jane, &page, false).await?;
        ensure!(answer.status == 200, "{}", answer.describe());

        serve.stop().await
    })
}

#[test]
fn an_envoy_that_is_to_refuse_then_lets_nobody_through_until_its_control_plane_is_back()
-> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("when-silent")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let options = Options {
            plain: true,
            flags: ["--stale-after", "5", "--refuse-when-stale"]
                .map(str::to_owned)
                .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        admin.get(&cube("first", PODS)).send().await?.expect(200)?;
        gateway.kill_control_plane().await?;
        let refused = |path: String| {
            let admin = &admin;
            async move {
                until("requests are refused", TOLD, || async {
                    let answer = admin.get(&path).send().await?;
                    Ok((answer.status == 503).then_some(answer))
                })
                .await
            }
        };
        let answer = refused(cube("first", PODS)).await?;
        ensure!(answer.header("retry-after").as_deref() == Some("5"));
        let message = answer.cube_error(503)?;
        ensure!(
            message.contains("has not heard of its control plane"),
            "{message}"
        );
        let answer = refused(kube("first", PODS)).await?.json()?;
        ensure!(answer["kind"] == "Status", "{answer}");
        // Who somebody is comes before that.
        let answer = gateway.client().get(&cube("first", PODS)).send().await?;
        ensure!(answer.status == 401, "{}", answer.describe());
        gateway.restart_control_plane().await?;
        until("requests go on", TOLD, || async {
            let answer = admin.get(&cube("first", PODS)).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        gateway.stop().await
    })
}
