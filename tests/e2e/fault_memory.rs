//! What open streams keep, and a worker that has no memory left.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::faults::{Scripted, Step, chunk, head, list, send, whole};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::jwt::Minter;
use cubegate_tests::static_envoy::{Config, Envoy, LISTENER, change_document, shipped};
use cubegate_tests::{Client, Fixture, Gateway, Options, Site, Stream, block_on, until};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::{HS256_SECRET, cube, kube};

const WATCH: &str = "/api/v1/pods?watch=true";
const WATCHES: usize = 1000;
/// What they may cost together, in bytes.
const BUDGET: u64 = 20 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// An API server with so many resources that what the filter is told is a quarter of a
/// megabyte.
async fn large() -> Result<Fixture> {
    Fixture::answering(|request| {
        let resources: Vec<Value> = (0..2000)
            .map(|number| {
                json!({
                    "name": format!("configurations-of-kind-{number:04}"), "singularName": "",
                    "namespaced": true, "kind": format!("ConfigurationOfKind{number:04}"),
                    "verbs": ["get", "list", "watch"],
                })
            })
            .collect();
        let body = match request.path.as_str() {
            "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
            "/apis" => json!({ "kind": "APIGroupList", "groups": [] }),
            _ => json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": resources }),
        };
        let body = Bytes::from(body.to_string());
        let response = http::Response::builder()
            .header("content-type", "application/json")
            .body(body.clone().into())?;
        Ok((response, body))
    })
    .await
}

async fn watch(client: &Client) -> Result<Stream> {
    let request = client.get(&cube("watched", WATCH)).patience(PATIENCE);
    let mut watch = request.open().await?;
    ensure!(watch.status == 200, "a watch began with {}", watch.status);
    watch.event(PATIENCE).await?;
    Ok(watch)
}

/// How many versions of its lists of epochs Envoy has taken.
async fn pushes(gateway: &Gateway) -> Result<u64> {
    let stats = gateway
        .health()
        .stats("cubegate-epochs-.*.config_reload$")
        .await?;
    ensure!(!stats.is_empty(), "Envoy counts no pushes");
    Ok(stats.iter().map(|(_, times)| times).sum())
}

#[test]
fn a_thousand_watches_across_a_thousand_pushes_cost_no_more_than_in_one() -> Result<()> {
    block_on(async {
        let watched = Scripted::start(vec![
            head(&["Transfer-Encoding: chunked"]),
            chunk("{\"type\":\"BOOKMARK\"}\n"),
            Step::Stall,
        ])
        .await?;
        let large = large().await?;
        let site = Site::new("pushes")?;
        site.add_plain_cluster("watched", watched.port()).await?;
        site.add_plain_cluster("large", large.port()).await?;
        // The whole of what the filter is told changes every two seconds as well.
        let flags = ["--envoy-concurrency=1", "--route-pass-period=2"];
        let options = Options {
            plain: true,
            flags: flags.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        let key = gateway.site().create_key("admin").await?;
        // The token of a key changes no other key.
        let login = gateway.log_in("admin", ADMIN_PASSWORD).await?;
        let login = gateway.client().with_bearer(&login)?;
        let told = admin.get(&kube("large", "/api")).send().await?;
        ensure!(told.status == 200, "{}", told.describe());

        // What their connections cost is known first.
        let mut watches = Vec::new();
        for _ in 0..WATCHES {
            watches.push(watch(&admin).await?);
        }
        let in_one = gateway.health().resident_bytes()?;
        drop(watches);
        until("all watches have ended", PATIENCE, || async {
            let active = gateway
                .health()
                .stats("http.gateway.downstream_rq_active")
                .await?;
            Ok(active.iter().all(|(_, number)| *number < 10).then_some(()))
        })
        .await?;

        let first = pushes(&gateway).await?;
        let mut watches = Vec::new();
        for number in 0..WATCHES {
            let before = pushes(&gateway).await?;
            // Another expiry ends the tokens of the key so far.
            let year = 2030 + number % 60;
            let path = format!("/api/v1/cube/key?accessKey={}", key.access_key);
            let change = json!({ "expiresAt": format!("{year}-01-01T00:00:00Z") });
            login.put(&path).json(&change).send().await?.expect(200)?;
            until("the change is pushed", PATIENCE, || async {
                Ok((pushes(&gateway).await? > before).then_some(()))
            })
            .await?;
            watches.push(watch(&admin).await?);
        }
        let across = gateway.health().resident_bytes()?;
        let pushed = pushes(&gateway).await? - first;
        ensure!(pushed >= WATCHES as u64, "there were only {pushed} pushes");
        let cost = across.saturating_sub(in_one);
        ensure!(
            cost < BUDGET,
            "{WATCHES} watches across {pushed} pushes cost {} MiB more than in one: {} MiB instead of {}",
            cost >> 20,
            across >> 20,
            in_one >> 20
        );
        drop(watches);
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn a_worker_that_ran_out_of_memory_comes_back_as_it_was() -> Result<()> {
    block_on(async {
        const MIB: usize = 1 << 20;
        let item = format!(
            r#"{{"metadata":{{"name":"a","namespace":"b"}},"data":{{"a":"{}"}}}},"#,
            "x".repeat(MIB)
        );
        let upstream = Scripted::answering(move |head_of_request| {
            if !head_of_request.contains("/endless") {
                return whole(&list(&["a", "b"]));
            }
            let begin = r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":["#;
            vec![
                head(&[]),
                send(begin),
                // More than a VM has.
                Step::SendTimes(item.clone().into_bytes(), 1200),
                Step::Stall,
            ]
        })
        .await?;
        let envoy = Envoy::start("exhausted", 1, |_| {
            let Config {
                mut document,
                admin,
                bases,
            } = shipped(upstream.port(), HS256_SECRET)?;
            change_document(&mut document, |filter| {
                let limits = json!({ "list": { "max_page_bytes": 3_000_000_000_u32 }, "max_worker_bytes": 3_000_000_000_u32 });
                filter.insert("limits".to_owned(), limits);
            })?;
            Ok(Config {
                document,
                admin,
                bases,
            })
        })
        .await?;
        let client = Client::plain(&envoy.base(LISTENER)?)?;
        let client = client.with_bearer(&Minter::new(HS256_SECRET).token("admin")?)?;
        let page = cube("member-1", "/api/v1/configmaps?pageSize=1&sortOrder=desc");
        client.get(&page).send().await?.expect(200)?;

        let endless = cube("member-1", "/api/v1/endless?pageSize=100000&sortOrder=desc");
        let endless = client.get(&endless).patience(Duration::from_secs(60));
        let answer = endless.send().await;
        ensure!(
            answer.as_ref().map_or(true, |answer| answer.status >= 500),
            "the worker had the memory: {:?}",
            answer.map(|answer| answer.status)
        );
        let answer = until("the worker is back", PATIENCE, || async {
            let answer = client.get(&page).send().await?;
            ensure!(matches!(answer.status, 200 | 503), "{}", answer.describe());
            Ok((answer.status == 200).then_some(answer))
        })
        .await?;
        assert_eq!(answer.names()?, ["b"]);
        let made_anew = envoy.stats("vm_reload_success").await?;
        ensure!(
            made_anew.values().any(|times| *times > 0),
            "its VM did not fail: {made_anew:?}"
        );
        Ok(())
    })
}
