//! A cluster that takes its time: its reader sees that it is waited for.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Language, Page, Visitor};
use cubegate_tests::gateway::{ADMIN_PASSWORD, Options};
use cubegate_tests::kube::config_map;
use cubegate_tests::kubeconfig::Kubeconfig;
use cubegate_tests::{Gateway, Site, Sluice, Stack, block_on};
use serde_json::json;

use crate::support::console::{Console, look};

const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than a page waits for a cluster before it shows its frame.
const A_WHILE: Duration = Duration::from_secs(1);

/// Starts a gateway before an API server that is as slow as the sluice lets it be.
async fn gateway_before(stack: &Stack) -> Result<(Gateway, Sluice)> {
    let file = &stack.member.gateway_kubeconfig;
    let server = Kubeconfig::read(file)?.server;
    let (_, port) = server.rsplit_once(':').context("a port")?;
    let sluice = Sluice::start(port.parse()?).await?;
    let site = Site::new("console-slow")?;
    let text = std::fs::read_to_string(file)?;
    let slow = format!("https://127.0.0.1:{}", sluice.port());
    let kubeconfig = site.dir().join("slow.kubeconfig");
    std::fs::write(&kubeconfig, text.replace(&server, &slow))?;
    site.add_cluster("slow", &kubeconfig, true).await?;
    Ok((Gateway::start(site, &Options::default()).await?, sluice))
}

#[test]
fn a_slow_cluster_leaves_nobody_before_an_empty_page() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let (gateway, sluice) = gateway_before(stack).await?;
        let kube = &stack.member.kube;
        let namespace = kube.namespace("slow").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for name in ["first", "second"] {
            kube.create(&maps, &config_map(name, &json!({}))).await?;
        }
        let list =
            format!("/console/resources?cluster=slow&resource=configmaps.v1&namespace={namespace}");
        let object = format!(
            "/console/resources/object?cluster=slow&resource=configmaps.v1&namespace={namespace}&name=first"
        );

        let login = gateway.client().login("admin", ADMIN_PASSWORD).await?;
        let cookie = format!("__Host-Authorization=Bearer+{}", login.cookie_token()?);
        for (path, later) in [(&list, "second"), (&object, "kind: ConfigMap")] {
            sluice.shut();
            let request = gateway.client().get(path).header("cookie", &cookie);
            let mut answer = request.open().await?;
            let frame = answer.words("slow is asked", PATIENCE).await?;
            ensure!(frame.contains("<nav") && !frame.contains(later), "{frame}");
            sluice.open();
            let whole = answer.words("</html>", PATIENCE).await?;
            ensure!(whole.contains(later), "{whole}");
        }

        for language in Language::ALL {
            let visitor = Visitor {
                language,
                ..Visitor::default()
            };
            let console = Console {
                origin: &gateway.endpoints().gateway,
                account: Some(("admin", ADMIN_PASSWORD)),
            };
            console
                .visit("slow", visitor, async |page| {
                    waits(page, &sluice, &list).await
                })
                .await?;
        }
        gateway.stop().await
    })
}

async fn waits(page: &Page, sluice: &Sluice, list: &str) -> Result<()> {
    sluice.shut();
    let opened = async {
        tokio::time::sleep(A_WHILE).await;
        sluice.open();
        Ok(())
    };
    tokio::try_join!(page.goto(list), opened)?;
    page.reads("second").await?;
    let hidden: bool = page
        .script(
            "return getComputedStyle(document.querySelector('.waiting')).display === 'none'",
            &[],
        )
        .await?;
    ensure!(hidden, "it still says that the cluster is waited for");

    // Another order: what is there stays, and shows that it will change.
    sluice.shut();
    page.click(By::Css("thead th:first-child a")).await?;
    page.find(By::Css("#results[aria-busy=true]")).await?;
    look(page, "resources-busy").await?;
    sluice.open();
    page.gone(By::Css("#results[aria-busy=true]")).await?;
    page.find(By::Css("#results th[aria-sort=descending]"))
        .await?;

    // What stands there until the rest comes.
    page.script::<()>("document.getElementById('results').remove()", &[])
        .await?;
    look(page, "resources-waiting").await
}
