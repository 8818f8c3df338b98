//! Page 1 of a large namespace on a real API server, which can do most of it.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_bench_workload::PodList;
use cubegate_tests::{Answer, Client, Gateway, Kube, Options, Site, Stack};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use tokio::time::Instant;

use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::{Samples, timed};

const OBJECTS: usize = 5000;
const CREATORS: usize = 8;
const WARM_UP: usize = 5;
const PAIRS: usize = 200;
/// Without push-down a pair takes half a second: fewer are enough then.
const LONGEST: Duration = Duration::from_secs(60);
const FEWEST: usize = 30;
const PATIENCE: Duration = Duration::from_secs(60);

/// What page 1 takes, in parts of what `limit=10` takes.
///
/// # Errors
/// An API server or gateway that does not start, a page with other items.
pub async fn figures() -> Result<Vec<Figure>> {
    let server = &Stack::shared().await?.pivot;
    let namespace = server.kube.namespace("bench").await?;
    fill(&server.kube, &namespace, OBJECTS).await?;
    let site = Site::new("push-down")?;
    site.add_cluster(&server.name, &server.gateway_kubeconfig, true)
        .await?;
    let gateway = Gateway::start(site, &Options::default()).await?;
    let client = gateway.admin().await?;
    let pods = format!(
        "/api/v1/cube/proxy/clusters/{}/api/v1/namespaces/{namespace}/pods",
        server.name
    );
    let measured = compare(&client, &pods).await;
    gateway.stop().await?;
    let (page, native) = measured?;
    Ok(vec![Figure {
        name: "page 1 with push-down / native limit=10 list",
        value: page.median()? / native.median()?,
        unit: "ratio",
        goal: Goal::AtMost(1.3),
        conditions: format!(
            "{}, API server and client on them too; kube-apiserver with etcd, {OBJECTS} pods in the namespace; pageSize=10 against \
             isFilter=false&limit=10, both through the gateway; medians (quartiles) of {} pairs: page {}, native {}",
            machine::describe(),
            page.count(),
            page.shown(2, "ms")?,
            native.shown(2, "ms")?,
        ),
    }])
}

/// Makes so many pods in a namespace.
pub(crate) async fn fill(kube: &Kube, namespace: &str, pods: usize) -> Result<()> {
    let collection = format!("/api/v1/namespaces/{namespace}/pods");
    stream::iter(PodList::of(pods).manifests(namespace))
        .map(|manifest| {
            let collection = &collection;
            async move {
                let pod: Value = serde_json::from_str(&manifest)?;
                kube.create(collection, &pod).await
            }
        })
        .buffer_unordered(CREATORS)
        .try_for_each(|_| async { Ok(()) })
        .await
}

/// Page and native list in turns, in milliseconds.
async fn compare(client: &Client, pods: &str) -> Result<(Samples, Samples)> {
    let page_path = format!("{pods}?pageSize=10");
    let native_path = format!("{pods}?isFilter=false&limit=10");
    let (first, native) = (
        get(client, &page_path).await?,
        get(client, &native_path).await?,
    );
    ensure!(
        first.names()? == native.names()? && first.total()? == OBJECTS as u64,
        "page 1 is not what the API server's first ten are"
    );
    let (mut page, mut native) = (Samples::default(), Samples::default());
    for _ in 0..WARM_UP {
        get(client, &page_path).await?;
        get(client, &native_path).await?;
    }
    let began = Instant::now();
    while page.count() < FEWEST || (page.count() < PAIRS && began.elapsed() < LONGEST) {
        page.push(timed(get(client, &page_path)).await?.0);
        native.push(timed(get(client, &native_path)).await?.0);
    }
    Ok((page, native))
}

async fn get(client: &Client, path: &str) -> Result<Answer> {
    let answer = client
        .get(path)
        .header("accept", "application/json")
        .patience(PATIENCE);
    answer.send().await?.expect(200)
}
